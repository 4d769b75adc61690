#!/bin/sh
# Makes the database at the first start, then becomes the server: as root, then as `postgres`. What the official image
# does, as far as deploy/compose.yaml uses it.
set -eu
if [ "$(id -u)" = 0 ]; then
  cp "$POSTGRES_PASSWORD_FILE" /tmp/password
  chown postgres "$PGDATA" /var/run/postgresql /tmp/password
  exec su -s /bin/sh -c 'exec "$0" "$@"' -- postgres /entrypoint "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # shellcheck disable=SC2086
  initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --encoding=UTF8 --no-locale --no-sync $POSTGRES_INITDB_ARGS
  echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
exec "$@"
