"""The locks hold what pyproject.toml asks for. `make lock` writes them anew."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
WANTED = {
    "run": PROJECT["dependencies"],
    "dev": [*PROJECT["dependencies"], *(each for extra in EXTRAS.values() for each in extra)],
}


def locked(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Return the requirements of a lock, each with its hashes."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^([^\s#][^\\\n]*)\\\n((?: +--hash=.*\n)+)", text, re.MULTILINE)
    return [(Requirement(pin), re.findall(r"--hash=sha256:([0-9a-f]{64})\b", hashes)) for pin, hashes in entries]


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_a_lock_has_a_release_of_each_dependency_in_its_range(lock: str) -> None:
    pins = [pin for pin, _ in locked(lock)]
    for wanted in map(Requirement, WANTED[lock]):
        if wanted.name == PROJECT["name"]:
            continue
        found = [pin for pin in pins if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
        assert found, f"{wanted} is not in requirements/{lock}.lock"
        for pin in found:
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert exact.version in wanted.specifier


@pytest.mark.parametrize("lock", ["run", "dev", "cuda"])
def test_a_lock_has_hashes_and_names_no_index_and_no_path(lock: str) -> None:
    entries = locked(lock)
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    assert len(entries) == len(re.findall(r"^[^\s#]", text, re.MULTILINE))  # no line is an option such as --index-url
    assert all(hashes for _, hashes in entries)
    assert "://" not in text


def test_the_lock_of_development_agrees_with_the_other() -> None:
    run, dev = ({(pin.name, str(pin.specifier)) for pin, _ in locked(lock)} for lock in ("run", "dev"))
    assert run <= dev
