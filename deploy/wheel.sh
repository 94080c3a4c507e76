#!/bin/sh
# wheel.sh FOLDER [PYTHON]: build visavis' wheel from the commit that is checked out, into FOLDER.
# The same commit gives the same bytes, whoever builds it, where and when: only what git has goes
# in, with the commit's time, and the packages that build are those of the lock file.
set -eu
umask 022
folder=$(mkdir -p "$1" && cd "$1" && pwd)
python=${2:-python3}
cd "$(dirname "$0")/.."
clean=$(mktemp -d)
trap 'rm -rf "$clean"' EXIT
git archive --format=tar HEAD | tar -x -C "$clean"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
PYTHONHASHSEED=0
export SOURCE_DATE_EPOCH PYTHONHASHSEED
cd "$clean"
"$python" -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w "$folder" .
cd "$folder"
sha256sum visavis-*.whl
