"""Fills a release's values into copies of the files that other projects take in; describes an Emacs package.

usage: fill_in.py FOLDER [SDIST]
"""

import hashlib
import json
import re
import sys
from pathlib import Path

from midspan import __version__

_NEOVIM_PLUGIN = Path(__file__).parents[1] / "editors/nvim/lua/midspan/init.lua"
_EMACS_PACKAGE = "midspan.el"


def fill_in(folder: Path, sdist: Path | None = None) -> None:
    """Replace the place-holders in all files of the folder; `sdist` is the archive whose checksum one of them names.

    A folder with midspan.el also gets the file midspan-pkg.el, which describes an Emacs package of several files.
    """
    values = {
        "@VERSION@": __version__,
        "@FILETYPES@": _file_types(),
        "@SHA256@": hashlib.sha256(sdist.read_bytes()).hexdigest() if sdist is not None else "",
    }
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            for place_holder, value in values.items():
                text = text.replace(place_holder, value)
            path.write_text(text, encoding="utf-8")
    main_file = folder / _EMACS_PACKAGE
    if main_file.exists():
        description = _describe_package(main_file.read_text(encoding="utf-8"))
        main_file.with_name("midspan-pkg.el").write_text(description, encoding="utf-8")


def _file_types() -> str:
    """Return the file types of the Neovim plugin, one to a line."""
    found = re.search(r"filetypes = \{(.*?)\}", _NEOVIM_PLUGIN.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise ValueError(f"{_NEOVIM_PLUGIN} has no list of file types")
    return "\n".join(f"    '{name}'," for name in re.findall(r"'(\w+)'", found[1]))


def _describe_package(text: str) -> str:
    """Return the call of define-package that says what the headers of the main file say."""
    summary = re.match(r";;; \S+ --- (.*?)  -\*-", text)
    headers = dict(re.findall(r"^;; ([A-Z][\w-]+): (.*)$", text, re.MULTILINE))
    if summary is None:
        raise ValueError(f"{_EMACS_PACKAGE} has no summary in its first line")
    keywords = " ".join(json.dumps(word) for word in headers["Keywords"].split(", "))
    return (
        f";; -*- no-byte-compile: t; lexical-binding: nil -*-\n"
        f'(define-package "midspan" "{headers["Version"]}" {json.dumps(summary[1])}\n'
        f"  '{headers['Package-Requires']}\n"
        f"  :keywords '({keywords})\n"
        f"  :url {json.dumps(headers['URL'])})\n"
    )


if __name__ == "__main__":
    fill_in(*map(Path, sys.argv[1:3]))
