"""`make run`, the first command of a newcomer."""

import re
from pathlib import Path

from lsp_server.cli.input.place import snapshot_at

ROOT = Path(__file__).parents[1]


def test_the_place_that_make_run_completes_is_the_end_of_a_line_of_code():
    found = re.search(r"AT\),(\S+)\)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert found is not None
    snapshot = snapshot_at(str(ROOT / found[1]))
    line = snapshot.document.text[: snapshot.cursor].rpartition("\n")[2]
    assert line.strip()
    assert snapshot.document.text[snapshot.cursor] == "\n"
