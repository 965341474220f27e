"""The files in the archives of npm and Debian."""

import io
import tarfile
from collections.abc import Callable, Iterator

_AR_MAGIC, _AR_HEADER_BYTES = b"!<arch>\n", 60
_MOST_FILE_BYTES = 400_000
IsWanted = Callable[[str], bool]


def read_tar(content: bytes, wanted: IsWanted) -> Iterator[tuple[str, bytes]]:
    """The wanted files of a tar archive, with its compression, by their names without a leading "./"."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for entry in tar:
            name = entry.name.removeprefix("./")
            if not entry.isfile() or entry.size > _MOST_FILE_BYTES or not wanted(name):
                continue
            file = tar.extractfile(entry)
            if file is not None:
                yield name, file.read()


def read_deb(content: bytes, wanted: IsWanted) -> Iterator[tuple[str, bytes]]:
    """The wanted files of a binary package: an `ar` archive whose member `data.tar.*` holds them."""
    at = len(_AR_MAGIC)
    while at < len(content):
        header = content[at : at + _AR_HEADER_BYTES]
        size = int(header[48:58])
        at += _AR_HEADER_BYTES
        if header.startswith(b"data.tar"):
            yield from read_tar(content[at : at + size], wanted)
        at += size + size % 2


def below(files: dict[str, bytes], folder: str) -> dict[str, bytes]:
    """The files under a folder, by their paths in it."""
    return {path[len(folder) :]: content for path, content in files.items() if path.startswith(folder)}


def common_folder(paths: list[str]) -> str:
    """The longest folder that holds all paths, with its last slash, or ""."""
    if not paths:
        return ""
    first, last = min(paths).split("/")[:-1], max(paths).split("/")[:-1]
    depth = next((i for i, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    shared = first[: min(len(first), len(last)) if depth is None else depth]
    return "/".join(shared) + "/" if shared else ""
