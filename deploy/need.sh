#!/bin/sh
# need.sh COMMAND PACKAGE: make sure COMMAND works, from Debian's PACKAGE if it does not.
set -eu
if command -v "$1" >/dev/null 2>&1 || sh -c "$1" >/dev/null 2>&1; then exit 0; fi
run=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "visavis needs the Debian package $2: install it as root with: apt-get install $2" >&2
    exit 1
  fi
  run=sudo
fi
echo "installing the Debian package $2"
$run apt-get update -qq
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq "$2" >/dev/null
