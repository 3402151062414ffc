#!/bin/sh
# build-image.sh DIRECTORY: installs the package in DIRECTORY with what it works with: PostgreSQL's clients, rclone, age, and curl for
# the health check. PGDG is the address of the PostgreSQL project's repository, which has the clients of 13 to 18; empty: the client of
# Debian, which exports servers of its own version and older.
set -eu
packages=$1
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends ca-certificates curl tzdata >/dev/null
clients=postgresql-client
if [ -n "${PGDG:-}" ]; then
  # The project's key is in Debian's own package.
  apt-get -qq install -y --no-install-recommends postgresql-common >/dev/null
  . /etc/os-release
  echo "deb [signed-by=/usr/share/postgresql-common/pgdg/apt.postgresql.org.gpg] $PGDG ${VERSION_CODENAME}-pgdg main" >/etc/apt/sources.list.d/pgdg.list
  apt-get -qq update
  clients='postgresql-client-13 postgresql-client-14 postgresql-client-15 postgresql-client-16 postgresql-client-17 postgresql-client-18'
fi
# The same numbers in every image, for volumes and for runAsUser.
groupadd --gid 10001 cch-data
useradd --uid 10001 --gid 10001 --home-dir /var/lib/cch-data --no-create-home --shell /usr/sbin/nologin cch-data
# shellcheck disable=SC2086
apt-get -qq install -y --no-install-recommends $clients rclone age "$packages"/cch-data_*.deb >/dev/null
install -d -m 0700 -o cch-data -g cch-data /var/lib/cch-data /var/lib/cch-data/uploads
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
