# Runs once, when the volume is new. Dagster, and with it every run, gets a role that owns its database and nothing else:
# a superuser could execute programs in this container.
psql --username postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set password="$(cat /run/secrets/dagster_password)" <<'SQL'
CREATE ROLE dagster LOGIN PASSWORD :'password';
CREATE DATABASE dagster OWNER dagster;
SQL
