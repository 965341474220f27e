"""All packages, fetched and read."""

from collections.abc import Iterator
from pathlib import Path

from training.packages.debian import fetch_debs, fetch_sources, read_c, read_go, read_rust
from training.packages.npm import fetch_npm, read_npm
from training.packages.package import Package
from training.packages.pins import C_HELD_OUT, GO, GO_HELD_OUT, NPM, NPM_HELD_OUT, RUST, RUST_HELD_OUT, C
from training.packages.python import download_wheels, read_held_out, read_trained


def fetch_packages(folder: Path) -> None:
    """Fetch every pinned archive that is not there yet into a folder of its registry."""
    download_wheels(folder / "wheels")
    fetch_npm(folder / "npm", (*NPM_HELD_OUT, *NPM))
    fetch_debs(folder / "debian", (*GO_HELD_OUT, *GO, *RUST_HELD_OUT, *RUST))
    fetch_sources(folder / "debian", (*C_HELD_OUT, *C))


def read_packages(folder: Path, *, held_out: bool) -> Iterator[Package]:
    """The packages that are held out, or those to train on, whose licences are allowed."""
    yield from read_held_out(folder / "wheels") if held_out else read_trained(folder / "wheels")
    yield from read_npm(folder / "npm", NPM_HELD_OUT if held_out else NPM)
    yield from read_go(folder / "debian", GO_HELD_OUT if held_out else GO)
    yield from read_rust(folder / "debian", RUST_HELD_OUT if held_out else RUST)
    yield from read_c(folder / "debian", C_HELD_OUT if held_out else C)
