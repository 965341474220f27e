"""The cost of an index: trees of 10K, 100K and 1M lines of Python's library are indexed and asked."""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time, thread_time

from benchmarks.held_out import open_workspace
from context.documents.document import MAX_DOCUMENT_BYTES, read_document
from context.documents.snapshot import Snapshot
from context.index.database import index_path
from context.index.index import Index
from context.index.workspace import Workspace
from context.prompt.pack import Budget, pack
from context.related.collect import collect
from context.related.next_lines import next_lines
from context.rules.rules import Rules
from inference.local_engine import BUILTIN_MODEL
from inference.prompts.families import DEEPSEEK_V2
from inference.prompts.tokenizer import Tokenizer
from lsp_server.completion.triggers import BLOCK_LINES

_SIZES = [10_000, 100_000, 1_000_000]
_BUDGET_TOKENS = 8192
_CURSORS = 60
_CHANGES = 20
_MIN_FILE_BYTES = 2000
_BYTES_IN_MB = 1_000_000


def copy_tree(source: Path, target: Path, lines: int) -> int:
    """Copy files that the rules allow, until they have `lines` lines; installed packages come last."""
    copied = 0
    for path, text in _texts(source):
        if copied >= lines:
            break
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, encoding="utf-8")
        copied += text.count("\n") + 1
    return copied


def _texts(source: Path) -> Iterator[tuple[str, str]]:
    rules = Rules(source)
    for path in sorted((file.path for file in rules.walk()), key=lambda path: ("site-packages" in path, path)):
        verdict, text = rules.read(path)
        if verdict.included:
            yield path, text


def measure(root: Path, lines: int, tokenizer: Tokenizer) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as cache_folder:
        cache = Path(cache_folder)
        rules = Rules(root)
        index = Index(index_path(root, cache))
        started, cpu_started = perf_counter(), process_time()
        index.update(rules)
        index_s = perf_counter() - started
        index_cpu_s = process_time() - cpu_started
        reindex_ms = _reindex_ms(index, rules)
        paths = [path for (path,) in index.read("SELECT path FROM files")]
        outside = sum(not rules.why(path).included for path in paths)
        index.close()
        workspace = open_workspace(root, cache)
        collect_pack_ms, collect_pack_cpu_ms = _collect_pack_ms(workspace, tokenizer)
        next_lines_ms = _next_lines_ms(workspace)
        workspace.close()
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "lines": lines,
        "files": len(paths),
        "index_s": index_s,
        "index_cpu_s": index_cpu_s,
        "reindex_ms": statistics.median(reindex_ms),
        "reindex_ms_max": max(reindex_ms),
        "collect_pack_p50_ms": statistics.median(collect_pack_ms),
        "collect_pack_p95_ms": _p95(collect_pack_ms),
        "collect_pack_cpu_p95_ms": _p95(collect_pack_cpu_ms),  # without the time of other programs
        "next_lines_cpu_p50_ms": statistics.median(next_lines_ms),
        "next_lines_cpu_p95_ms": _p95(next_lines_ms),
        "rss_mb": peak_bytes / _BYTES_IN_MB,
        "files_outside_rules": outside,
    }


def _reindex_ms(index: Index, rules: Rules) -> list[float]:
    rng = random.Random(0)
    paths = [path for (path,) in index.read("SELECT path FROM files WHERE language = 'python' ORDER BY path")]
    durations: list[float] = []
    for path in rng.choices(paths, k=_CHANGES):
        with (rules.root / path).open("a", encoding="utf-8") as file:
            file.write(f"\nchanged_{len(durations)} = 1\n")
        started = perf_counter()
        index.refresh(rules, [path])
        durations.append((perf_counter() - started) * 1000)
    return durations


def _collect_pack_ms(workspace: Workspace, tokenizer: Tokenizer) -> tuple[list[float], list[float]]:
    """Wall and CPU times of collect + pack at each cursor, everything collected anew; the second call counts."""
    durations_ms: list[float] = []
    cpu_ms: list[float] = []
    for snapshot in _cursors(workspace):
        for is_warm in (False, True):
            started, cpu_started = perf_counter(), thread_time()
            pack(snapshot, collect(snapshot, workspace), Budget(_BUDGET_TOKENS), tokenizer.count)
            if is_warm:
                cpu_ms.append((thread_time() - cpu_started) * 1000)
                durations_ms.append((perf_counter() - started) * 1000)
    return durations_ms, cpu_ms


def _next_lines_ms(workspace: Workspace) -> list[float]:
    """CPU times of the lookup of lines that go on as the cursor's line does, each asked once."""
    durations_ms: list[float] = []
    for snapshot in _cursors(workspace):
        cpu_started = thread_time()
        next_lines(snapshot, workspace, BLOCK_LINES)
        durations_ms.append((thread_time() - cpu_started) * 1000)
    return durations_ms


def _cursors(workspace: Workspace) -> list[Snapshot]:
    """Draw cursors in Python files of the workspace, which are open there."""
    rng = random.Random(0)
    files = [workspace.root / path for path in workspace.view().named("*.py")]
    files = [path for path in files if _MIN_FILE_BYTES < path.stat().st_size < MAX_DOCUMENT_BYTES]
    documents = [read_document(path, workspace.root) for path in rng.choices(files, k=_CURSORS)]
    return [Snapshot(document, rng.randrange(len(document.text))) for document in documents]


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=Path(argparse.__file__).parent, help="default: Python's library")
    parser.add_argument("--lines", type=int, nargs="+", default=_SIZES)
    parser.add_argument("--model", type=Path, default=BUILTIN_MODEL, help="count with this model's tokenizer")
    parser.add_argument("--json", action="store_true", help="print one object for each size")
    arguments = parser.parse_args()
    if len(arguments.lines) > 1:  # each size in its own process, because the peak of memory is measured
        command = [sys.executable, "-m", "benchmarks.index", "--source", arguments.source, "--model", arguments.model]
        for lines in arguments.lines:
            subprocess.run([*command, *(["--json"] if arguments.json else []), "--lines", str(lines)], check=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lines = copy_tree(arguments.source, root, arguments.lines[0])
        figures = measure(root, lines, Tokenizer(arguments.model, DEEPSEEK_V2))
    if arguments.json:
        print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
        return
    for name, value in figures.items():
        print(f"{name:22}{value:>12.1f}")


if __name__ == "__main__":
    main()
