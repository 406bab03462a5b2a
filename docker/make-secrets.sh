#!/bin/sh
# Makes the secrets that compose.yaml mounts, each once: what is there stays as it is.
#   docker/make-secrets.sh FOLDER [sandbox]
# The folder is closed to others; the files in it are read by the services' own users.
# A folder that the sandbox was tried with is refused without the word: everybody knows its secrets.
set -eu
folder=$1
if [ "${2:-}" != sandbox ]; then
    for name in uhc_client_secret proxy_client_secret page_client_secret; do
        case $(cat "$folder/$name" 2>/dev/null || true) in
        sandbox | development-only*)
            echo "$folder/$name is the sandbox's, which everybody knows: take another folder, or remove it." >&2
            exit 1
            ;;
        esac
    done
fi
mkdir -p -m 0700 "$folder"
chmod 0700 "$folder"
umask 022

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
keep() { [ -s "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"; }

keep postgres_password "$(random 24)"
keep dagster_database_password "$(random 24)"
keep keycloak_database_password "$(random 24)"
keep keycloak_admin_password "$(random 24)"
keep redis_password "$(random 24)"
keep api_session_key "$(random 32)"
keep audit_key "$(random 32)"
# Its length is the cipher's: 32 characters are 32 bytes.
keep proxy_cookie_secret "$(random 16)"
for role in claims_owner claims_pipeline claims_api; do
    keep "${role}_password" "$(random 24)"
    keep "${role}_url" "postgresql://$role:$(cat "$folder/${role}_password")@postgres:5432/claims"
done
keep celery_broker_url "redis://:$(cat "$folder/redis_password")@redis:6379/0"
if [ "${2:-}" = sandbox ]; then
    keep uhc_client_secret sandbox
    # As docker/keycloak/realm.json has them.
    keep proxy_client_secret development-only-proxy-secret
    keep page_client_secret development-only-page-secret
elif [ ! -s "$folder/uhc_client_secret" ]; then
    echo "Put the payer's client secret into $folder/uhc_client_secret, then come again." >&2
    exit 1
fi
keep proxy_client_secret "$(random 24)"
keep page_client_secret "$(random 24)"
