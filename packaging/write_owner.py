"""Writes the owner of the repository into all files that name its address, from the README to the Homebrew formula.

Run it from the repository's root, as `python packaging/write_owner.py NAME`. The address in pyproject.toml says who the
owner is so far.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9])*")  # what GitHub takes for one


def write_owner(root: Path, owner: str) -> list[Path]:
    """Replace the owner in each file that git has, and return the changed ones. Raises ValueError for no name."""
    if not _NAME.fullmatch(owner):
        raise ValueError(f"{owner!r} is not the name of an owner")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = project["urls"]["Repository"].removeprefix("https://github.com/")
    # In an address, or alone in quotes, as plugin managers and MELPA name a repository.
    address = re.compile(rf"(?<=github\.com/){re.escape(known)}(?![\w-])|(?<=['\"]){re.escape(known)}(?=['\"])")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    changed = []
    for path in [root / name for name in listed.split("\0") if name]:
        try:
            before = path.read_bytes().decode()
        except ValueError:  # a picture or weights
            continue
        after = address.sub(f"{owner}/midspan", before)
        if after != before:
            path.write_bytes(after.encode())
            changed.append(path)
    return changed


if __name__ == "__main__":
    for path in write_owner(Path.cwd(), sys.argv[1]):
        print(path)
