#!/bin/bash
# Writes requirements/*.lock: the newest releases that pyproject.toml and pip's own constraints allow, with the hashes of
# their files for every platform. No lock names an index: pip finds it by its own configuration.   usage: lock.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/caps"
caps=$("$python" -m pip config list | sed -n "s/^global.constraint='\(.*\)'/\1/p")
if [ -n "$caps" ]; then
  sed 's/;.*//' "$caps" > "$work/caps"  # for all Pythons alike, so that a lock has one release of each package
fi
resolve() {
  "$python" -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --no-annotate --constraint "$work/caps" "$@" pyproject.toml
}
resolve --all-extras --output-file "$work/dev"
resolve --constraint "$work/dev" --output-file "$work/run"
# A machine may have a build of torch of its own, without CUDA, whose hash the index does not know.
torch=$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' "$work/dev")
"$python" -m pip download --quiet --no-deps --dest "$work/torch" "$torch"
hash=$(sha256sum "$work/torch"/* | cut -d' ' -f1)
# The packages that only torch with CUDA needs have a lock of their own.
split='function is_cuda(name) { return name ~ /^(nvidia|cuda)-/ } /^[^ #]/ { skip = is_cuda($0) != cuda } !skip'
write() { { echo "# Written by \`make lock\`."; awk -v cuda="$1" "$split" "$work/$2"; } > "requirements/$3.lock"; }
mkdir -p requirements
for lock in run dev; do
  grep -q "$hash" "$work/$lock" || sed -i "s/^$torch .*/&\n    --hash=sha256:$hash \\\\/" "$work/$lock"
  write 0 "$lock" "$lock"
done
write 1 run cuda
