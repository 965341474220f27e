#!/bin/bash
# VS Code for a browser: code-server from npm, with Node.js 24 on the PATH (install-node.sh).   usage: install-code-server.sh DIR  -> DIR/code-server
# Its own install steps are left out: they compile what no test needs (Kerberos, a database), for minutes.
set -euo pipefail
dir=$(realpath -m "$1") node=$(command -v node)
rm -rf "$dir"; mkdir -p "$dir"; cd "$dir"
install=(npm install --silent --no-audit --no-fund --omit=dev --ignore-scripts)
echo '{"private": true}' > package.json
"${install[@]}" code-server@4.139.1
cd node_modules/code-server/lib/vscode
"${install[@]}"
npm_config_nodedir=$(dirname "$(dirname "$node")") npm rebuild --silent @vscode/spdlog @vscode/native-watchdog
cd extensions; "${install[@]}"
printf '#!/bin/sh\nexec %s %s/node_modules/code-server/out/node/entry.js "$@"\n' "$node" "$dir" > "$dir/code-server"
chmod +x "$dir/code-server"
XDG_CONFIG_HOME="$dir/config" "$dir/code-server" --version  # without it, it writes into the home folder
