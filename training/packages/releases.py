"""The reader of pairs of releases: the wheels and npm packages of the pins, each with an earlier release."""

import sys
from collections.abc import Iterator
from pathlib import Path

from training.packages.npm import fetch_npm, read_npm
from training.packages.package import Package
from training.packages.pins import NpmPin
from training.packages.python import fetch_wheels, read_wheels
from training.packages.release_pins import HELD_OUT, RELEASES, ReleasePair


def fetch_releases(folder: Path) -> None:
    """Fetch both releases of each pair where they are not there yet."""
    pairs = (*HELD_OUT, *RELEASES)
    fetch_wheels(folder / "wheels", [wanted for pair in pairs if not pair.is_npm for wanted in pair.wanted])
    fetch_npm(folder / "npm", [NpmPin(wanted) for pair in pairs if pair.is_npm for wanted in pair.wanted])


def read_releases(folder: Path) -> Iterator[tuple[Package, Package, bool]]:
    """The older and the newer release of each pair whose licences are allowed, and whether the pair is held out.

    stderr names those that are left out.
    """
    for pair in (*HELD_OUT, *RELEASES):
        found = [package for wanted in pair.wanted for package in _read(folder, pair, wanted)]
        if len(found) == len(pair.wanted):
            yield found[0], found[1], pair in HELD_OUT
        else:
            print(f"without one of its releases, left out: {pair.name}", file=sys.stderr)


def _read(folder: Path, pair: ReleasePair, wanted: str) -> Iterator[Package]:
    if pair.is_npm:
        return read_npm(folder / "npm", [NpmPin(wanted, pair.folder)])
    return read_wheels(folder / "wheels", [wanted])
