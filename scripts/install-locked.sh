#!/bin/bash
# Installs the packages of a lock, and Midspan in place, into a virtual environment.   usage: install-locked.sh PYTHON run|dev
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 lock=requirements/$2.lock work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install() { "$python" -m pip install --quiet --no-deps "$@"; }
echo "Installing the packages of $lock, which takes minutes."
# With hashes, pip prefers the index's torch with CUDA, 3 GB, to a build of this machine's own, so it is asked before.
torch=$(sed -n 's/^torch==\([^ ]*\).*/\1/p' "$lock")
if ! "$python" -c "from importlib.metadata import version; exit('$torch' != version('torch').split('+')[0])" 2> /dev/null; then
  "$python" -m pip download --quiet --no-deps --dest "$work" "torch==$torch"
  grep -q "$(sha256sum "$work"/* | cut -d' ' -f1)" "$lock" || { echo "$lock has no hash of $(ls "$work")" >&2; exit 1; }
  install "$work"/*
fi
install --require-hashes --requirement "$lock"
if "$python" -c "from importlib.metadata import requires; exit('nvidia' not in ''.join(requires('torch') or ()))"; then
  install --require-hashes --requirement requirements/cuda.lock
fi
install --no-build-isolation --editable .
"$python" -m pip check
