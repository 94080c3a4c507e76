#!/bin/sh
# slim.sh ENVIRONMENT: take out of an image's environment what running it does not need.
set -eu
"$1/bin/pip" uninstall -q -y pip
# The packages' own tests.
find "$1" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
# Debug symbols: 145 MB. Not those of what wheels carry in *.libs and nvidia/, whose pages strip
# would misalign ("ELF load command address/offset not page-aligned").
find "$1" -name '*.so' -not -path '*.libs/*' -not -path '*/nvidia/*' -not -path '*/torch/*' \
  -exec strip --strip-unneeded {} +
