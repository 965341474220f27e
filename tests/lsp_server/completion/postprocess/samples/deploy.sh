#!/bin/sh
# Copies a build to where it is served from.
set -eu

target="${1:-}"
keep=3

usage() {
    cat <<END
usage: $0 TARGET [NAME=VALUE...]
  copies ./build (if it's there)
END
}

case "$target" in
    "" | -h | --help)
        usage
        exit 2
        ;;
    *:*)
        copy() { rsync -a --delete "$1" "$2"; }
        ;;
    /*)
        copy() { cp -R "$1" "$2"; }
        ;;
    *)
        echo "$0: '$target' is no absolute path" >&2
        exit 1
        ;;
esac

shift
for pair in "$@"; do
    name=${pair%%=*}
    if [ "$name" = "$pair" ]; then
        echo "skipped $pair (no =)" >&2
        continue
    fi
    export "$name=${pair#*=}"
done

if [ ! -d build ]; then
    echo "no build" >&2
    exit 1
elif [ -f build/.lock ]; then
    while [ -f build/.lock ]; do
        sleep 1
    done
fi

copy build "$target.new"
count=$(ls -d "$target".* 2>/dev/null | wc -l)
if [ "$count" -gt "$keep" ]; then
    for old in "$target".[0-9]*; do
        rm -rf "$old"
    done
fi
mv "$target.new" "$target.$(date +%s)"
