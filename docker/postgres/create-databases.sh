#!/bin/bash
# Run once by PostgreSQL's image, on an empty volume: our database with its roles, and one each for
# Dagster and Keycloak with its owner.
set -euo pipefail
secret() { cat "/run/secrets/$1"; }
run() { psql --quiet --no-psqlrc --output /dev/null --set ON_ERROR_STOP=1 --username postgres "$@"; }

run --dbname postgres --command "CREATE DATABASE claims ENCODING 'UTF8' TEMPLATE template0"
run --dbname claims --file /opt/claims/roles.sql \
    --set owner_password="$(secret claims_owner_password)" \
    --set pipeline_password="$(secret claims_pipeline_password)" \
    --set api_password="$(secret claims_api_password)"

for name in dagster keycloak; do
    run --dbname postgres --set name="$name" --set password="$(secret "${name}_database_password")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
