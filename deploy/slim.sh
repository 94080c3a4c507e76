#!/bin/sh
# slim.sh ENVIRONMENT: take out of an image's environment what running it does not need.
set -eu
# triton is what torch.compile builds with (1 GB); faces are drawn without it.
"$1/bin/pip" uninstall -q -y triton pip 2>/dev/null
# The packages' own tests, and what only other programs are built with.
find "$1" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
find "$1" -type d -name include \( -path '*/torch/*' -o -path '*/nvidia/*' \) -prune -exec rm -rf {} +
find "$1" -name '*.a' -delete
# Debug symbols: 145 MB. Not those of what wheels carry in *.libs, torch and nvidia, whose pages
# strip would misalign ("ELF load command address/offset not page-aligned").
find "$1" -name '*.so' -not -path '*.libs/*' -not -path '*/nvidia/*' -not -path '*/torch/*' \
  -not -path '*/tensorrt*' -exec strip --strip-unneeded {} +
