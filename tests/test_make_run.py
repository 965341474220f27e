"""`make run`, the first command of a newcomer."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.cli.input.place import snapshot_at

pytestmark = pytest.mark.usefixtures("no_daemon")

ROOT = Path(__file__).parents[1]


def place() -> str:
    found = re.search(r"AT\),(\S+)\)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def test_make_run_completes_the_end_of_a_begun_line():
    snapshot = snapshot_at(str(ROOT / place()))
    line = snapshot.document.text[: snapshot.cursor].rpartition("\n")[2]
    assert line == "        return len(self."
    assert snapshot.document.text[snapshot.cursor] == "\n"


def test_the_built_in_model_completes_the_line_with_what_is_missing():
    done = subprocess.run(
        [sys.executable, "-m", "lsp_server.cli", "complete", str(ROOT / place())],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout == "items)\n"
