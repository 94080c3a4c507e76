#!/bin/sh
# lock.sh NAME: write the package-lock.json of a set anew from its package.json.
set -eu
cd "$(dirname "$0")/$1"
npm install --package-lock-only --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved
