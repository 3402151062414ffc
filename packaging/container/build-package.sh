#!/bin/sh
# build-package.sh SOURCE DIRECTORY: installs what a build needs, and builds the Debian package of the tree SOURCE into DIRECTORY.
# npm is needed only where web/dist is not up to date.
set -eu
source=$1
target=$2
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends git ca-certificates dpkg-dev fakeroot nodejs >/dev/null
apt-get -qq build-dep -y --no-install-recommends "$source/packaging" >/dev/null
cd "$source"
git config --global --add safe.directory "$source"
if ! tools/web --check; then
  apt-get -qq install -y --no-install-recommends npm >/dev/null
  tools/web /tmp/web_assets.c
fi
packaging/build-deb "$target"
