"""Reads the files of a model folder, which anybody may have made: regular files only, and of a bounded size.

A link is followed only to a file of the same folder. The hub's cache is the exception: there the folder is
models--OWNER--NAME/snapshots/REVISION, and its files are links to models--OWNER--NAME/blobs.
"""

import json
import os
import stat
from pathlib import Path, PurePosixPath
from typing import Any

from midspan import ModelError

CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"
CONFIDENCE_FILE = "confidence.json"  # which `midspan eval calibration` writes

# Python takes up to 72 bytes for a value of a JSON text, which may be two characters long.
_MOST_VALUES = 1 << 20
_MOST_NAME_BYTES = 255
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}


def find_file(folder: Path, name: str) -> Path:
    """Return the real path of a regular file of the folder. Raises ModelError: no such file, none to be read."""
    path = folder / name
    real = Path(os.path.realpath(path))
    if not any(real.is_relative_to(place) for place in _places(folder)):
        raise ModelError(f"{path}: is a link that leads out of the model's folder; put the file itself there")
    try:
        mode = real.lstat().st_mode
    except FileNotFoundError:
        raise ModelError(f"{path}: missing; fetch it with the model") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ModelError(f"{path}: cannot be read ({error})") from error
    if not stat.S_ISREG(mode):
        raise ModelError(f"{path}: is no regular file; fetch it again")
    return real


def has_file(folder: Path, name: str) -> bool:
    """Return whether the folder has an entry of this name, which `find_file` may still refuse."""
    return os.path.lexists(folder / name)


def read_file(folder: Path, name: str, most_bytes: int) -> bytes:
    """Read a whole file. Raises ModelError: as `find_file`, or the file is larger than `most_bytes`."""
    data = read_beginning(folder, name, most_bytes + 1)
    if len(data) > most_bytes:
        raise ModelError(f"{folder / name}: is larger than {most_bytes >> 20} MB; fetch it again")
    return data


def read_beginning(folder: Path, name: str, most_bytes: int) -> bytes:
    """Read a file up to `most_bytes`. Raises ModelError as `find_file` does."""
    real = find_file(folder, name)
    try:
        # If a FIFO has taken the file's place since, opening it does not wait for a writer.
        with open(os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            return file.read(most_bytes)
    except OSError as error:
        raise ModelError(f"{folder / name}: cannot be read ({error.strerror})") from error


def read_json(folder: Path, name: str, most_bytes: int) -> dict[str, Any]:
    """Read a file that holds a JSON object. Raises ModelError."""
    return parse_json(read_file(folder, name, most_bytes), folder / name)


def parse_json(data: bytes, path: Path, most_values: int = _MOST_VALUES) -> dict[str, Any]:
    """Parse a JSON object; `path` is only for messages. Raises ModelError, also for more than `most_values`."""
    if data.count(b",") + data.count(b"[") + data.count(b"{") > most_values:
        raise ModelError(f"{path}: holds more than {most_values} values; fetch it again")
    try:
        found = json.loads(data)
    except RecursionError as error:
        raise ModelError(f"{path}: cannot be read (it is nested too deeply); fetch it again") from error
    except ValueError as error:
        raise ModelError(f"{path}: cannot be read ({error}); fetch it again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: is not a JSON object; fetch it again")
    return found


def checked_path(name: str, source: object) -> str:
    """Return a file's name that a source gives when it is a path inside a folder. Raises ModelError.

    Refuses absolute paths, "..", control characters, and names that Windows takes for devices or streams.
    """
    parts = name.split("/")
    is_path = name.isprintable() and "\\" not in name and ":" not in name and not PurePosixPath(name).is_absolute()
    if not is_path or not all(map(_is_plain, parts)):
        raise ModelError(
            f"{source}: names a file {name[:_MOST_NAME_BYTES]!r}, which is no path inside a model's folder"
        )
    return name


def _is_plain(part: str) -> bool:
    is_device = part.partition(".")[0].rstrip().upper() in _DEVICES
    fits = 0 < len(os.fsencode(part)) <= _MOST_NAME_BYTES
    return fits and part not in (".", "..") and not part.endswith((".", " ")) and not is_device


def _places(folder: Path) -> list[Path]:
    """Return the folders in which the files of a model folder may really lie."""
    real = Path(os.path.realpath(folder))
    is_snapshot = real.parent.name == "snapshots" and real.parent.parent.name.startswith("models--")
    return [real, real.parent.parent / "blobs"] if is_snapshot else [real]
