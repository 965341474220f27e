"""The files in the archives of npm and Debian that are small enough to be written by hand."""

from collections.abc import Callable, Iterator

from evaluation.archives import files_of_deb, files_of_tar

_MOST_FILE_BYTES = 400_000
IsWanted = Callable[[str], bool]


def read_tar(content: bytes, wanted: IsWanted) -> Iterator[tuple[str, bytes]]:
    """The wanted files of a tar archive, by their names."""
    return files_of_tar(content, lambda name, size: size <= _MOST_FILE_BYTES and wanted(name))


def read_deb(content: bytes, wanted: IsWanted) -> Iterator[tuple[str, bytes]]:
    """The wanted files of a binary package, by their names."""
    return files_of_deb(content, lambda name, size: size <= _MOST_FILE_BYTES and wanted(name))


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
