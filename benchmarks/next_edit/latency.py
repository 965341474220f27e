"""The time in which the rules answer an edit, in a workspace of 100,000 lines of real code.

At each place a file is open, and one edit is made in it: a function or a field is renamed, a function gets a parameter,
a call of it is changed, or a line is added. `--source` names the tree: Python's library, or django where it is
installed.
"""

import argparse
import json
import random
import re
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter, thread_time
from weakref import WeakKeyDictionary

from benchmarks.held_out import open_workspace
from benchmarks.index import copy_tree
from context.documents.document import Document, read_document
from context.documents.edits import EditRing
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.next_edit.find_next_edits import find_next_edits

SEED = 17
LINES = 100_000
PLACES = 60  # of each kind of edit
_LEAST_LINES = 40

# Each kind of edit: where it may be made, and the text in place of what is found there.
EDITS: dict[str, tuple[str, str]] = {
    "function renamed": (r"(?<=\bdef )(\w{4,})(?=\()", r"\1_now"),
    "field renamed": (r"(?<=\bself\.)(\w{4,})(?= = )", r"\1_now"),
    "parameter added": (r"(?<=\bdef )(\w{4,}\([^()\n]+)(?=\))", r"\1, extra"),
    "call changed": (r"(?<=\.)(\w{4,})(?=\()", r"\1_now"),
    "argument added": (r"(\w{4,}\([^()\n]+)(?=\)$)", r"\1, None"),
    "line added": (r"(?<=\n)(?= {4,}return\b)", "        value = None\n"),
    "key in a word": (r"(?<=[^\w.]\w{3})(?=\w{3})", "x"),
}


def measure(root: Path, places: int) -> dict[str, list[tuple[float, float]]]:
    """Return the times of each kind of edit."""
    with tempfile.TemporaryDirectory() as cache:
        workspace = open_workspace(root, Path(cache))
        documents = [read_document(root / path, root) for path in workspace.view().named("*.py")]
        documents = [document for document in documents if len(document.lines) >= _LEAST_LINES]
        chance = random.Random(SEED)
        times: dict[str, list[tuple[float, float]]] = {}
        for kind, (pattern, text) in EDITS.items():
            found = [(document, match) for document in documents for match in re.finditer(pattern, document.text, re.M)]
            times[kind] = [
                _answer_ms(workspace, document, match.start(), match.end(), match.expand(text))
                for document, match in chance.sample(found, min(places, len(found)))
            ]
        workspace.close()
    return times


def _answer_ms(workspace: Workspace, document: Document, start: int, end: int, text: str) -> tuple[float, float]:
    """Return the time and the CPU's time of an answer to one edit of a document that was open before."""
    before = replace(document, last_results=WeakKeyDictionary())
    ring = EditRing()
    find_next_edits(Snapshot(before, start), ring.recent(), workspace.view([before]))
    after = replace(before, text=before.text[:start] + text + before.text[end:], version=1)
    ring.note(before, after, 0.0)
    started, cpu_started = perf_counter(), thread_time()
    find_next_edits(Snapshot(after, start + len(text)), ring.recent(), workspace.view([after]))
    return (perf_counter() - started) * 1000, (thread_time() - cpu_started) * 1000


def summarize(times: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return the figures of some answers; those of the CPU are without the time of other programs."""
    ordered = sorted(ms for ms, _ in times)
    cpu_ms = sorted(ms for _, ms in times)
    at_95 = int(0.95 * len(times))
    return {
        "n": len(times),
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[at_95], 2),
        "max_ms": round(ordered[-1], 2),
        "cpu_p50_ms": round(statistics.median(cpu_ms), 2),
        "cpu_p95_ms": round(cpu_ms[at_95], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=Path(argparse.__file__).parent, help="default: Python's library")
    parser.add_argument("--lines", type=int, default=LINES, help="copy so many lines of it")
    parser.add_argument("--places", type=int, default=PLACES)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = copy_tree(arguments.source, Path(folder), arguments.lines)
        times = measure(Path(folder), arguments.places)
    figures = {kind: summarize(found) for kind, found in times.items() if found}
    figures["all"] = summarize([one for found in times.values() for one in found])
    if arguments.json:
        print(json.dumps({"lines": lines, "edits": figures}))
        return
    print(f"{lines} lines\n{'':20}" + "".join(f"{name:>12}" for name in figures["all"]))
    for kind, row in figures.items():
        print(f"{kind:20}" + "".join(f"{value:>12.6g}" for value in row.values()))


if __name__ == "__main__":
    main()
