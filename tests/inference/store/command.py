"""Runs `midspan model` as a user does: in a process, with the test's data folder and settings."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 120


@dataclass(frozen=True)
class Home:
    """A user's home; `environment` adds to what is set already."""

    path: Path
    environment: dict[str, str]

    @property
    def models(self) -> Path:
        return self.path / "data" / "midspan" / "models"

    @property
    def catalogue(self) -> Path:
        path = self.path / "config" / "midspan" / "catalogue.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def left_over(self) -> list[str]:
        """List every file of the store that belongs to no whole model."""
        store = self.path / "data" / "midspan"
        found = [path.relative_to(store) for path in store.rglob("*") if path.is_file()]
        return [str(path) for path in found if path.parts[0] != "models" and str(path) != "lock"]

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.variables(), capture_output=True, text=True, timeout=TIMEOUT_S
        )

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*arguments), env=self.variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "lsp_server.cli", *map(str, arguments)]

    def variables(self) -> dict[str, str]:
        own = {
            "HOME": str(self.path),
            "XDG_DATA_HOME": str(self.path / "data"),
            "XDG_CONFIG_HOME": str(self.path / "config"),
            "HF_HOME": str(self.path / "hub"),
            "PYTHONPATH": str(ROOT),
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "PIP_", "XDG_")) and k != "PWD"}
        return kept | own | self.environment
