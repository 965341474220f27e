"""The files in the archives of PyPI, npm and Debian, read in memory: nothing is unpacked, installed or run."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator

_AR_MAGIC, _AR_HEADER_BYTES = b"!<arch>\n", 60
IsWanted = Callable[[str, int], bool]  # of a file's name and its bytes


def files_of_wheel(content: bytes, is_wanted: IsWanted) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted files of a wheel with their names."""
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        for entry in wheel.infolist():
            if is_wanted(entry.filename, entry.file_size):
                yield entry.filename, wheel.read(entry)


def files_of_tar(content: bytes, is_wanted: IsWanted) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted files of a tar archive, with its compression, with their names without a leading "./"."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for entry in tar:
            name = entry.name.removeprefix("./")
            if entry.isfile() and is_wanted(name, entry.size) and (file := tar.extractfile(entry)) is not None:
                yield name, file.read()


def files_of_deb(content: bytes, is_wanted: IsWanted) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted files of a Debian package: an `ar` archive whose member `data.tar.*` holds them."""
    at = len(_AR_MAGIC)
    while at < len(content):
        header = content[at : at + _AR_HEADER_BYTES]
        size = int(header[48:58])
        at += _AR_HEADER_BYTES
        if header.startswith(b"data.tar"):
            yield from files_of_tar(content[at : at + size], is_wanted)
        at += size + size % 2
