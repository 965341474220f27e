"""The call of a registry's client that fetches one package."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def fetch(command: Sequence[str], folder: Path, wanted: str) -> None:
    """Run a client that fetches a package into the folder; stderr names one that cannot be fetched and is left out."""
    if subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        print(f"not fetched, left out: {wanted}", file=sys.stderr)
