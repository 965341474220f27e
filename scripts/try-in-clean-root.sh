#!/bin/bash
# Tries on a bare Debian what the documentation tells a newcomer, from nothing to ghost text in each editor.
# usage, as root, after `make test` and `make dist`: try-in-clean-root.sh FOLDER  -> FOLDER/steps.md, FOLDER/*.txt, FOLDER/*.png
# $SUITE is Debian's. $PREFIX is the prefix of a Python to take in place of Debian's. What pip and the editors need of this machine (its settings, certificates, .tools) is lent to the
# tree by mounts that nobody else sees, and that end with this script, as all its processes do.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "$1") suite=${SUITE:-trixie} python=$PWD/.venv/bin/python
packages=ca-certificates,git,make,python3,python3-venv

if [ -z "${CLEAN_ROOT:-}" ]; then
  CLEAN_ROOT=$(mktemp -d); export CLEAN_ROOT
  trap 'rm -rf --one-file-system "$CLEAN_ROOT"' EXIT  # the mounts have ended with their namespace
  unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "$out"
  exit
fi

root=$CLEAN_ROOT/root
mkdir -p "$out" "$root"
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ' || true)
[ -n "$mirror" ] || { echo "no Debian mirror found in the apt sources" >&2; exit 1; }
debootstrap=$(command -v debootstrap || true)
if [ -z "$debootstrap" ]; then
  chmod 755 "$CLEAN_ROOT"
  (cd "$CLEAN_ROOT" && apt-get download -qq -o APT::Sandbox::User=root debootstrap && dpkg-deb -x debootstrap_*.deb tool)
  debootstrap=$CLEAN_ROOT/tool/usr/sbin/debootstrap
  export DEBOOTSTRAP_DIR=$CLEAN_ROOT/tool/usr/share/debootstrap
fi
"$debootstrap" --variant=minbase --include="$packages" "$suite" "$root" "$mirror" > "$out/debootstrap.txt"

lend() {  # a file or folder, at the same place, which the tree can only read
  if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root$(dirname "$1")"; touch "$root$1"; fi
  mount --bind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"
}
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for path in /etc/resolv.conf /etc/hosts /etc/ssl/certs /etc/pip.conf /etc/xdg/pip ${PIP_FIND_LINKS:-}; do
  if [ -e "$path" ]; then lend "$path"; fi
done
lend "$(realpath .tools)"
lend "$(dirname "$(dirname "$(realpath .tools/node/bin/node)")")"  # a Python package of .venv
if [ -n "${PREFIX:-}" ]; then
  mount --bind "$PREFIX" "$root/usr/local"
  chroot "$root" ldconfig
fi
# A newcomer's home has one path in the tree and outside, where the tests' drivers reach its sockets and files.
chroot "$root" useradd --create-home --base-dir /mnt newcomer
mount --bind "$root/mnt" /mnt
git bundle create --quiet "$root/mnt/midspan.bundle" HEAD
cp dist/*.whl "$root/mnt"
PYTHONPATH=$PWD "$python" scripts/try_in_clean_root.py "$root" "$out"
