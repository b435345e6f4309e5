#!/usr/bin/env bash
# Prepares `docker compose up` on this machine, once: passwords and keys in deploy/secrets/, and .env.
#
#   scripts/compose_secrets.sh FOLDER_OF_PHOTOGRAPHS
#
# It can be run again: what exists is kept, and what is missing is made. To change a key or a password, delete its file.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { echo "compose_secrets.sh: $*" >&2; exit 1; }

[ $# -eq 1 ] || fail "name the folder of your photographs: scripts/compose_secrets.sh FOLDER"
[ -d "$1" ] || fail "$1 is no folder."
library=$(cd "$1" && pwd -P)
secrets=$PWD/deploy/secrets
case $library$secrets in *\'* | *$'\n'*) fail "the paths of the photographs and of this folder may contain no ' and no line break." ;; esac
# It is mounted under the same path in the containers, where it must hide nothing.
case $library/ in
    // | /bin/* | /boot/* | /dev/ | /dev/shm/ | /etc/ | /etc/dagster/* | /etc/image-pipeline/* | /lib*/* | /opt/ | /opt/app/* | \
        /opt/venv/* | /proc/* | /run/ | /run/code/* | /run/docker/* | /run/secrets/* | /sbin/* | /sys/* | /tmp/ | /usr/* | \
        /var/ | /var/lib/ | /var/lib/dagster/* | /var/lib/image-pipeline/*)
        fail "$library is a folder of the system: keep the photographs in a folder of their own." ;;
esac
command -v openssl >/dev/null || fail "openssl is missing: install it."
if docker info --format '{{.SecurityOptions}}' 2>/dev/null | grep -qE 'rootless|userns'; then
    fail "this Docker engine maps users (rootless, or userns-remap): containers could not read your photographs."
fi

# Everything runs as the user who runs this, so that it can read the photographs; as root, as a user of its own.
if [ -e .env ]; then
    uid=$(sed -n 's/^PIPELINE_UID=//p' .env) gid=$(sed -n 's/^PIPELINE_GID=//p' .env)
    [ -n "$uid" ] && [ -n "$gid" ] || fail ".env has no PIPELINE_UID and PIPELINE_GID: add them, or delete .env."
elif [ "$(id -u)" -eq 0 ]; then
    uid=10001 gid=10001
else
    uid=$(id -u) gid=$(id -g)
fi
# the folder itself is mounted, so the permissions of those above it do not matter
if [ "$(id -u)" -eq 0 ] && ! (cd "$library" && setpriv --reuid="$uid" --regid="$gid" --clear-groups ls . >/dev/null 2>&1); then
    fail "the user $uid, which everything runs as, cannot read $library: let others read it, or run this as its owner."
fi

chmod a+r deploy/gateway/*.yml deploy/prometheus/*.yml deploy/postgres/*.sh # services with users of their own read them
umask 077
mkdir -p "$secrets"
chmod 700 "$secrets" # nobody else on this machine gets at the files, whatever their own permissions

random() { openssl rand -hex 24; }
write() { cat >"$secrets/.new" && mv "$secrets/.new" "$secrets/$1"; } # in one step
for key in qdrant_key models_key page_key metrics_key postgres_password dagster_password gateway_password; do
    [ -s "$secrets/$key" ] || random | write "$key"
done
# what follows from them is made anew each time
echo "*:*:*:*:$(cat "$secrets/dagster_password")" | write postgres_login
printf 'service:\n  api_key: %s\nstorage:\n  storage_path: /qdrant/storage/data\n  snapshots_path: /qdrant/storage/snapshots\ntelemetry_disabled: true\n' \
    "$(cat "$secrets/qdrant_key")" | write qdrant.yaml
printf 'http:\n  middlewares:\n    page-key:\n      headers:\n        customRequestHeaders: { x-api-key: %s }\n' \
    "$(cat "$secrets/page_key")" | write gateway_key.yml
printf 'photos:%s\n' "$(openssl passwd -apr1 -stdin <"$secrets/gateway_password")" | write gateway_users
if [ ! -s "$secrets/tls_key.pem" ] || [ ! -s "$secrets/tls_certificate.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=localhost" \
        -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$secrets/.key" -out "$secrets/.certificate" 2>/dev/null
    mv "$secrets/.key" "$secrets/tls_key.pem"
    mv "$secrets/.certificate" "$secrets/tls_certificate.pem"
fi
# The image of Postgres reads these as a user of its own; the client of Postgres accepts no file that others can read.
chmod 644 "$secrets/postgres_password" "$secrets/dagster_password"
if [ "$(id -u)" -eq 0 ]; then chown "$uid:$gid" "$secrets"/*; fi

if [ ! -e .env ]; then
    socket=/var/run/docker.sock
    case ${DOCKER_HOST:-} in unix://*) socket=${DOCKER_HOST#unix://} ;; esac
    [ -S "$socket" ] || fail "Docker's socket $socket is missing: start Docker, or set DOCKER_HOST=unix://…"
    {
        echo "# Made by scripts/compose_secrets.sh; .env.example explains every variable."
        echo "IMAGE_LIBRARY='$library'"
        echo "SECRETS_DIR='$secrets'"
        echo "PIPELINE_UID=$uid"
        echo "PIPELINE_GID=$gid"
        echo "DOCKER_SOCKET='$socket'"
        echo "DOCKER_GID=$(stat -c %g "$socket")"
    } >.env.new && mv .env.new .env
elif ! grep -qxF "IMAGE_LIBRARY='$library'" .env; then
    fail ".env names a different library: $(sed -n 's/^IMAGE_LIBRARY=//p' .env). If it moved, change IMAGE_LIBRARY there and run: docker compose run --rm cli adopt '$library'"
fi
if [ -n "${IMAGE_LIBRARY:-}" ] && [ "$IMAGE_LIBRARY" != "$library" ]; then
    echo "IMAGE_LIBRARY is set in this shell, to a different folder, and goes before .env: unset IMAGE_LIBRARY" >&2
fi
echo "Ready: docker compose up -d --wait"
echo "The page will be at https://localhost:8443, for the user photos with the password in deploy/secrets/gateway_password."
