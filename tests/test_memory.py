"""The memory and the cores that a process may use: the machine's, within the limits of its control groups."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from midspan.cores import quota_cores
from midspan.memory import Memory, usable_memory

GIB = 1 << 30

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has control groups")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=16 * GIB, available=10 * GIB))


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def group(
    folder: str, limit: int | str, used_bytes: int, stat: str = "active_file 0\ninactive_file 0\n"
) -> dict[str, str]:
    """The files of a group of the second version."""
    values = {"memory.max": f"{limit}\n", "memory.current": f"{used_bytes}\n", "memory.stat": stat}
    return {f"sys/fs/cgroup/{folder}{name}": value for name, value in values.items()}


def test_without_a_limit_it_is_the_machines(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "1:cpu:/\n0::/user.slice\n"} | group("user.slice/", "max", GIB)
    assert usable_memory(tmp_path) == Memory(16 * GIB, 10 * GIB)  # no control groups
    assert usable_memory(write(tmp_path, files)) == Memory(16 * GIB, 10 * GIB)


def test_a_container_has_what_its_limit_leaves_and_pages_of_files_are_free(tmp_path: Path) -> None:
    stat = f"anon {GIB}\nactive_file {GIB}\ninactive_file {GIB}\n"
    files = {"proc/self/cgroup": "0::/\n"} | group("", 4 * GIB, 3 * GIB, stat)
    assert usable_memory(write(tmp_path, files)) == Memory(4 * GIB, 3 * GIB)


def test_the_smallest_limit_of_all_groups_above_holds(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/user.slice/editor.scope\n",
        **group("user.slice/", 8 * GIB, 7 * GIB),
        **group("user.slice/editor.scope/", 6 * GIB, 2 * GIB),
    }
    assert usable_memory(write(tmp_path, files)) == Memory(6 * GIB, GIB)


def test_the_first_version_of_control_groups_is_read_too(tmp_path: Path) -> None:
    """A container often shows its own group only, at the top, under the name that it has outside."""
    group = {
        "proc/self/cgroup": "5:cpu,cpuacct:/docker/1f\n4:memory:/docker/1f\n0::/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIB}\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{3 * GIB}\n",
        "sys/fs/cgroup/memory/memory.stat": f"active_file 7\ntotal_active_file 0\ntotal_inactive_file {GIB // 2}\n",
    }
    assert usable_memory(write(tmp_path, group)) == Memory(2 * GIB, 0)


def test_what_cannot_be_read_limits_nothing(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/\n"} | group("", 4 * GIB, 3 * GIB, "anon 1\n")
    assert usable_memory(write(tmp_path, files)) == Memory(16 * GIB, 10 * GIB)


def test_a_quota_of_processor_time_is_so_many_cores(tmp_path: Path) -> None:
    write(tmp_path, {"proc/self/cgroup": "0::/pod/box\n", "sys/fs/cgroup/pod/cpu.max": "max 100000\n"})
    assert quota_cores(tmp_path) is None
    write(tmp_path, {"sys/fs/cgroup/pod/box/cpu.max": "250000 100000\n"})
    assert quota_cores(tmp_path) == 2
    write(tmp_path, {"sys/fs/cgroup/pod/cpu.max": "50000 100000\n"})
    assert quota_cores(tmp_path) == 1
