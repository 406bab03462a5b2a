#!/bin/sh
# Before a service starts: Dagster's configuration into its home, and its password, which Dagster
# reads from the environment only, out of the file that holds it.
set -eu
umask 007
if [ -n "${DAGSTER_PG_PASSWORD_FILE:-}" ]; then
    DAGSTER_PG_PASSWORD=$(cat "$DAGSTER_PG_PASSWORD_FILE")
    export DAGSTER_PG_PASSWORD
    unset DAGSTER_PG_PASSWORD_FILE
fi
if [ -n "${DAGSTER_PG_HOST:-}" ]; then
    mkdir -p "$DAGSTER_HOME"
    # Services start together: each writes beside and renames.
    cp /opt/claims/dagster.yaml "$DAGSTER_HOME/.dagster.yaml.$$.$(hostname)"
    mv "$DAGSTER_HOME/.dagster.yaml.$$.$(hostname)" "$DAGSTER_HOME/dagster.yaml"
fi
exec "$@"
