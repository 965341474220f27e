#!/bin/bash
# A terminal without a screen for the tests of editors, from Debian's packages, beside the system.   usage: install-tmux.sh DIR  -> DIR/tmux
set -euo pipefail
here=$(dirname "$(realpath "$0")"); dir=$(realpath -m "$1")
if command -v tmux > /dev/null; then  # the machine has one already
  mkdir -p "$dir"; ln -sf "$(command -v tmux)" "$dir/tmux"; exit
fi
bash "$here/debian-unpack.sh" "${SUITE:-trixie}" tmux "$dir"
printf '#!/bin/sh\nexec %s tmux "$@"\n' "$dir/run" > "$dir/tmux"; chmod +x "$dir/tmux"
"$dir/tmux" -V
