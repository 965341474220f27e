"""A made-up held-out package, and wheels of it."""

import zipfile
from hashlib import sha256
from pathlib import Path

from evaluation.held_out_packages import HeldOutPackage, Pin

OTHER = (
    "\n".join(f"line_{i} = {i}" for i in range(40))
    + "\n\n\nclass Parser:\n    def parse_header(self):\n        pass\n\n    def close_stream(self):\n        pass\n"
)
CURRENT = '''"""Reads."""

from package.other import Parser


def read(text):
    """What it says."""
    parser = Parser(text)
    if text:
        return parser.parse_header(text)
    return None


def leave(parser):
    for _ in range(3):
        parser.close_stream()
        parser.wait()
        parser.close_stream()
    return parser
'''
FILES = {"package/__init__.py": "", "package/other.py": OTHER, "package/current.py": CURRENT}


def write_package(root: Path, files: dict[str, str]) -> HeldOutPackage:
    """Write a package under `root`, as if a wheel had been unpacked there."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return HeldOutPackage("package", root, files)


def write_wheel(folder: Path, files: dict[str, str]) -> Pin:
    """Write a wheel into the folder and return its pin."""
    path = folder / "package-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return Pin("package", "1.0", "MIT", sha256(path.read_bytes()).hexdigest())
