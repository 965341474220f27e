"""Imports run one way; torch and LSP types stay where they belong."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "midspan": set(),
    "kernels": set(),
    "context": {"midspan"},
    "inference": {"midspan", "kernels"},
    "lsp_server": {"midspan", "inference", "context"},
    "benchmarks": {"midspan", "inference", "context", "lsp_server"},
}
# `midspan eval` measures what the server shows, so it stands above the server; the command line starts both.
COMMAND_LINE = ROOT / "lsp_server" / "cli.py"
OURS = {*MAY_IMPORT, "training", "benchmarks", "tests"}
LSP_LIBRARIES = {"pygls", "lsprotocol"}


def imports_of(path: Path) -> Iterator[str]:
    """Every absolute module name that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            yield node.module or ""


def imported_packages(package: str) -> set[str]:
    files = list((ROOT / package).rglob("*.py"))
    assert files, f"{package} has no files"
    return {name.split(".")[0] for path in files if path != COMMAND_LINE for name in imports_of(path)}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    assert imported_packages(package) & OURS - {package} <= MAY_IMPORT[package]


def test_the_command_line_looks_up_to_nothing_but_the_yardstick() -> None:
    ours = {name.split(".")[0] for name in imports_of(COMMAND_LINE)} & OURS
    assert ours <= MAY_IMPORT["lsp_server"] | {"lsp_server", "benchmarks"}
    top_level = ast.parse(COMMAND_LINE.read_text(encoding="utf-8")).body
    modules = [node.module or "" for node in top_level if isinstance(node, ast.ImportFrom)]
    assert not any(module.startswith("benchmarks") for module in modules)  # `serve` starts without it


def test_what_is_installed_needs_nothing_that_is_not() -> None:
    installed = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    )
    assert set(MAY_IMPORT) <= installed
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts) for name in MAY_IMPORT for path in (ROOT / name).rglob("*.py")
    }
    assert folders <= installed


@pytest.mark.parametrize("package", ["context", "lsp_server", "midspan"])
def test_torch_is_not_imported(package: str) -> None:
    assert not imported_packages(package) & {"torch", "triton", "safetensors"}


@pytest.mark.parametrize("package", ["context", "inference", "kernels", "midspan"])
def test_lsp_types_stay_in_the_server(package: str) -> None:
    assert not imported_packages(package) & LSP_LIBRARIES
