"""Imports run one way between rooms; torch and LSP types stay where they belong."""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping, Set
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.rooms import ROOMS

ROOT = Path(__file__).parents[1]
PACKAGES = ("midspan", "kernels", "context", "inference", "lsp_server", "evaluation", "benchmarks", "training")
MOST_FILES = 20
LSP_LIBRARIES = {"pygls", "lsprotocol"}


def imported_names(path: Path) -> Iterator[str]:
    """Yield every absolute name that the file imports, wherever in it: of `from a import b`, `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def modules() -> Mapping[str, Path]:
    """Return the file of each module of ours; a package is a module too."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


@cache
def import_graph() -> Mapping[str, Set[str]]:
    """Return which modules of ours each one imports, for types alone and within functions too."""
    graph = {}
    for module, path in modules().items():
        names = [name if name in modules() else name.rpartition(".")[0] for name in imported_names(path)]
        graph[module] = {name for name in names if name in modules()} - {module}
    return graph


def room_of(module: str) -> str:
    return next(room for room in sorted(ROOMS, key=len, reverse=True) if f"{module}.".startswith(f"{room}."))


def rooms_below(room: str) -> set[str]:
    """Return the rooms that this room may import."""
    allowed = {"midspan"}
    for entry in ROOMS[room]:
        family = entry.removesuffix(".*")
        allowed |= {entry} if entry == family else {other for other in ROOMS if f"{other}.".startswith(f"{family}.")}
    return allowed - {room}


def libraries(package: str) -> set[str]:
    paths = [path for module, path in modules().items() if f"{module}.".startswith(f"{package}.")]
    assert paths, f"{package} has no files"
    return {name.split(".")[0] for path in paths for name in imported_names(path)}


def test_no_module_imports_itself_by_way_of_others() -> None:
    TopologicalSorter(import_graph()).prepare()  # a CycleError names the modules


def test_no_room_may_import_itself_by_way_of_others() -> None:
    TopologicalSorter({room: rooms_below(room) for room in ROOMS if room != "midspan"}).prepare()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    wrong = {
        module: sorted(upwards)
        for module, imported in import_graph().items()
        if room_of(module) == room
        and (upwards := {name for name in imported if room_of(name) not in {room, *rooms_below(room)}})
    }
    assert wrong == {}


def test_every_folder_is_a_room_and_every_room_is_there() -> None:
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in modules().values()}
    assert folders - ROOMS.keys() == set()
    assert ROOMS.keys() - folders - modules().keys() == set()


def test_no_room_is_crowded() -> None:
    folders = [path.parent for path in modules().values()]
    crowded = {str(folder.relative_to(ROOT)): folders.count(folder) for folder in folders}
    assert {folder: count for folder, count in crowded.items() if count > MOST_FILES} == {}


def test_the_command_line_starts_without_the_evaluation() -> None:
    for module, path in modules().items():
        if module.startswith("lsp_server.cli"):
            top_level = ast.parse(path.read_text(encoding="utf-8")).body
            names = [node.module or "" for node in top_level if isinstance(node, ast.ImportFrom)]
            assert not any(name.startswith("evaluation") for name in names), module


def test_installed_packages_need_no_others() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = {pattern.removesuffix("*") for pattern in settings["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert installed == set(PACKAGES) - {"benchmarks", "training"} | {"editors"}  # which has no Python
    for room in ROOMS:
        if room.split(".")[0] in installed:
            assert {below.split(".")[0] for below in rooms_below(room)} <= installed, room


@pytest.mark.parametrize("package", ["context", "lsp_server", "midspan"])
def test_torch_is_not_imported(package: str) -> None:
    assert not libraries(package) & {"torch", "triton", "safetensors"}


@pytest.mark.parametrize("package", ["context", "inference", "kernels", "midspan"])
def test_lsp_types_stay_in_the_server(package: str) -> None:
    assert not libraries(package) & LSP_LIBRARIES


@pytest.mark.parametrize("package", ["lsp_server.relay", "lsp_server.rpc.frames"])
def test_the_relay_starts_with_nothing_heavy(package: str) -> None:
    assert libraries(package) - sys.stdlib_module_names <= {"midspan", "lsp_server", "platformdirs"}
