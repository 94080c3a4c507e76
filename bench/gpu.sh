#!/bin/sh
# The graph on this machine's GPU: parity, pictures a second, p99, bytes moved; JSON in 8 minutes.
# It needs python3 with PyTorch and numpy, this clone, and a bundle made where visavis is installed
# (python -m bench.gpu.bundle -o out/gpu); TensorRT is measured where it is installed.
#
#   bench/gpu.sh [BUNDLE [OUTPUT [options of bench.gpu.run]]]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
bundle=${1:-$root/out/gpu}
output=${2:-$root/out/bench/gpu.json}
[ $# -lt 2 ] && shift $# || shift 2
[ -f "$bundle/bundle.json" ] || {
    echo "no bundle in $bundle: python -m bench.gpu.bundle -o $bundle" >&2
    exit 2
}
# The packages by their names, without an installation.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/visavis"
for room in models engines; do ln -s "$root/$room" "$place/visavis/$room"; done
cd "$root"
PYTHONPATH="$place:$root" PYTHONDONTWRITEBYTECODE=1 \
    "${PYTHON:-python3}" -m bench.gpu.run --bundle "$bundle" --output "$output" "$@"
