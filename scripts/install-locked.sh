#!/bin/bash
# Installs the packages of a lock, and Midspan in place, into a virtual environment.   usage: install-locked.sh PYTHON run|dev
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
install() { "$python" -m pip install --quiet --no-deps "$@"; }
install --require-hashes --requirement "requirements/$2.lock"
if "$python" -c "from importlib.metadata import requires; exit('nvidia' not in ''.join(requires('torch') or ()))"; then
  install --require-hashes --requirement requirements/cuda.lock
fi
install --no-build-isolation --editable .
"$python" -m pip check
