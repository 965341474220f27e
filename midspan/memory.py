"""The memory that this process may use: the machine's, or less where its container or its user has a limit."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Memory:
    total_bytes: int
    available_bytes: int  # without pushing anything out but pages of files


def usable_memory(root: Path = Path("/")) -> Memory:
    """Return the memory of the machine, within the limits of Linux' control groups, which lie below `root`."""
    machine = psutil.virtual_memory()
    limits = [] if sys.platform != "linux" else list(_limits(root))
    return Memory(
        min([machine.total, *(limit.total_bytes for limit in limits)]),
        min([machine.available, *(limit.available_bytes for limit in limits)]),
    )


@dataclass(frozen=True)
class _Version:
    """The names of one version of control groups."""

    controller: str  # in /proc/self/cgroup
    folders: tuple[str, ...]  # where it may be mounted
    limit: str
    used: str
    pages_of_files: tuple[str, ...]  # in memory.stat


_VERSIONS = (
    _Version(
        "",
        ("sys/fs/cgroup", "sys/fs/cgroup/unified"),
        "memory.max",
        "memory.current",
        ("active_file", "inactive_file"),
    ),
    _Version(
        "memory",
        ("sys/fs/cgroup/memory",),
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_active_file", "total_inactive_file"),
    ),
)


def _limits(root: Path) -> Iterator[Memory]:
    """Yield the limit of each group in which this process is, from its own one up, as far as they can be read."""
    for version, folder in control_groups(root):
        # A group may have no limit, or none of its files, as the topmost one; and a container may show neither.
        with suppress(OSError, ValueError, KeyError):
            limit_bytes = int((folder / version.limit).read_text(encoding="ascii"))
            stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
            used_bytes = int((folder / version.used).read_text(encoding="ascii"))
            used_bytes -= sum(int(stat[name]) for name in version.pages_of_files)
            yield Memory(limit_bytes, max(0, limit_bytes - used_bytes))


def control_groups(root: Path) -> Iterator[tuple[_Version, Path]]:
    """Yield the folders of the groups in which this process is, from its own one up."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        path = Path(group.lstrip("/"))
        for version in _VERSIONS:
            if version.controller in controllers.split(","):
                yield from ((version, root / top / part) for top in version.folders for part in (path, *path.parents))
