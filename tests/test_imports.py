"""Imports run one way; torch and LSP types stay where they belong."""

import ast
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
}
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
    return {name.split(".")[0] for path in files for name in imports_of(path)}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    assert imported_packages(package) & OURS - {package} <= MAY_IMPORT[package]


@pytest.mark.parametrize("package", ["context", "lsp_server", "midspan"])
def test_torch_is_not_imported(package: str) -> None:
    assert not imported_packages(package) & {"torch", "triton", "safetensors"}


@pytest.mark.parametrize("package", ["context", "inference", "kernels", "midspan"])
def test_lsp_types_stay_in_the_server(package: str) -> None:
    assert not imported_packages(package) & LSP_LIBRARIES
