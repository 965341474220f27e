#!/bin/bash
# Builds into dist/ all that a release uploads; packaging/README.md says where each goes.   usage: build-dist.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(realpath -s "$1") work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH="$(dirname "$python"):$PATH"
version=$("$python" -c 'import midspan; print(midspan.__version__)')
repository=$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["urls"]["Repository"])')
case $repository in */OWNER/*) echo "no owner is set, so all addresses lead nowhere: packaging/README.md says how to set it" >&2 ;; esac
rm -rf dist; mkdir -p dist

# Python: the wheel is made from the source distribution. On Linux its tag says which glibc it needs.
"$python" -m uv build --quiet --no-build-isolation --python "$python" --out-dir "$work/python"
cp "$work/python"/*.tar.gz dist
wheel=$(echo "$work/python"/*.whl)
case $wheel in
  *linux_*) "$python" -m auditwheel repair --wheel-dir dist "$wheel" 2> "$work/said" || { cat "$work/said" >&2; exit 1; } ;;
  *) cp "$wheel" dist ;;
esac

# VS Code: the package with the repository's address, to which the README's links lead.
vscode=$work/vscode
mkdir "$vscode"
(cd editors/vscode && node build.mjs && cp -R .vscodeignore package.json README.md LICENSE CHANGELOG.md picture.png media dist "$vscode")
"$python" - "$vscode/package.json" "$repository" <<'PYTHON'
import json, sys
path, repository = sys.argv[1:]
package = json.load(open(path, encoding="utf-8"))
del package["private"], package["scripts"], package["devDependencies"]
package |= {"repository": {"type": "git", "url": f"{repository}.git"}, "bugs": {"url": f"{repository}/issues"}, "homepage": repository}
json.dump(package, open(path, "w", encoding="utf-8"), indent=2, ensure_ascii=False)
PYTHON
(cd "$vscode" && "$OLDPWD/editors/vscode/node_modules/.bin/vsce" package --no-dependencies \
  --baseContentUrl "$repository/blob/HEAD/editors/vscode" --baseImagesUrl "$repository/raw/HEAD/editors/vscode" \
  --out "midspan-$version.vsix" > "$work/said") || { cat "$work/said" >&2; exit 1; }
cp "$vscode/midspan-$version.vsix" dist

# Emacs: the archive that package-install-file takes, as MELPA builds it from the recipe.
emacs=$work/midspan-$version
mkdir "$emacs"
cp editors/emacs/*.el "$emacs"
"$python" packaging/fill_in.py "$emacs"
tar --create --file "dist/midspan-$version.tar" --directory "$work" --owner 0 --group 0 "midspan-$version"

# The files that other projects take in, with this release's version and addresses.
mkdir dist/submit
cp -R packaging/{completions,emacs,homebrew,lspconfig,man,mason,service} dist/submit
"$python" packaging/fill_in.py dist/submit "dist/midspan-$version.tar.gz"
(cd dist && find . -type f ! -name SHA256SUMS | sort | xargs sha256sum > SHA256SUMS)
du -ah dist/*.* | sort -k2
