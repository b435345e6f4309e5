#!/bin/bash
# Begins as root, gives the volume to the user postgres, and goes on as that one, which reads the password.
set -euo pipefail
if [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$PGDATA" /run/postgresql
    chown -R postgres "$PGDATA" /run/postgresql
    chmod 700 "$PGDATA"
    exec gosu postgres "$0"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # shellcheck disable=SC2086 (several arguments)
    initdb ${POSTGRES_INITDB_ARGS:-} --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" \
        --auth-host=scram-sha-256 --pgdata="$PGDATA"
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start
    for script in /docker-entrypoint-initdb.d/*.sh; do . "$script"; done
    pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
fi
exec postgres -c listen_addresses='*'
