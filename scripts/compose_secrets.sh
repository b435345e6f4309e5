#!/usr/bin/env bash
# Prepares `docker compose up` on this machine, once: passwords and keys in deploy/secrets/, and .env.
#
#   scripts/compose_secrets.sh FOLDER_OF_PHOTOGRAPHS
#
# What exists already is kept, so it can be run again. Delete a file in deploy/secrets/ to have it made anew.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { echo "compose_secrets.sh: $*" >&2; exit 1; }

[ $# -eq 1 ] || fail "name the folder of your photographs: scripts/compose_secrets.sh FOLDER"
[ -d "$1" ] || fail "$1 is no folder."
library=$(cd "$1" && pwd -P)
command -v openssl >/dev/null || fail "openssl is missing: install it."

# Everything runs as the user who runs this, so that it can read the photographs; as root, as a user of its own.
if [ "$(id -u)" -eq 0 ]; then uid=10001 gid=10001; else uid=$(id -u) gid=$(id -g); fi
if [ -e .env ]; then uid=$(sed -n 's/^PIPELINE_UID=//p' .env) gid=$(sed -n 's/^PIPELINE_GID=//p' .env); fi
[ -n "$uid" ] && [ -n "$gid" ] || fail ".env has no PIPELINE_UID and PIPELINE_GID: add them, or delete .env."

secrets=$PWD/deploy/secrets
umask 077
mkdir -p "$secrets"
chmod 700 "$secrets" # nobody else on this machine gets at the files, whatever their own permissions

random() { openssl rand -hex 24; }
make() { # name, with the content on stdin: written in one step, unless it exists
    if [ -s "$secrets/$1" ]; then cat >/dev/null; return; fi
    cat >"$secrets/.new" && mv "$secrets/.new" "$secrets/$1"
}

for key in qdrant_key models_key page_key metrics_key postgres_password; do random | make "$key"; done
echo "*:*:*:*:$(cat "$secrets/postgres_password")" | make postgres_login
printf 'service:\n  api_key: %s\nstorage:\n  storage_path: /qdrant/storage/data\n  snapshots_path: /qdrant/storage/snapshots\ntelemetry_disabled: true\n' \
    "$(cat "$secrets/qdrant_key")" | make qdrant.yaml
printf 'http:\n  middlewares:\n    page-key:\n      headers:\n        customRequestHeaders: { x-api-key: %s }\n' \
    "$(cat "$secrets/page_key")" | make gateway_key.yml
if [ ! -s "$secrets/gateway_users" ]; then
    random | make gateway_password
    printf 'photos:%s\n' "$(openssl passwd -apr1 -stdin <"$secrets/gateway_password")" | make gateway_users
fi
if [ ! -s "$secrets/tls_key.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=localhost" \
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$secrets/tls_key.pem" \
        -out "$secrets/tls_certificate.pem" 2>/dev/null
fi
# The image of Postgres reads its password as a user of its own; the client of Postgres accepts no file that others can read.
chmod 644 "$secrets/postgres_password"
chmod 600 "$secrets/postgres_login"
if [ "$(id -u)" -eq 0 ]; then chown "$uid:$gid" "$secrets"/*; fi

if [ ! -e .env ]; then
    socket=/var/run/docker.sock
    case ${DOCKER_HOST:-} in unix://*) socket=${DOCKER_HOST#unix://} ;; esac
    [ -S "$socket" ] || fail "Docker's socket $socket is missing: start Docker, or set DOCKER_HOST=unix://…"
    {
        echo "# Made by scripts/compose_secrets.sh; .env.example explains every variable."
        echo "IMAGE_LIBRARY=$library"
        echo "SECRETS_DIR=$secrets"
        echo "PIPELINE_UID=$uid"
        echo "PIPELINE_GID=$gid"
        echo "DOCKER_SOCKET=$socket"
        echo "DOCKER_GID=$(stat -c %g "$socket")"
    } >.env.new && mv .env.new .env
elif ! grep -qxF "IMAGE_LIBRARY=$library" .env; then
    fail ".env names a different library: $(sed -n 's/^IMAGE_LIBRARY=//p' .env). Change IMAGE_LIBRARY there if it moved."
fi
echo "Ready: docker compose up -d --wait"
echo "The page will be at https://localhost:8443, for the user photos with the password in deploy/secrets/gateway_password."
