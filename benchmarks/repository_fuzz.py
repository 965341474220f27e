"""Opens hostile repositories, and a neighbour session of the same daemon types meanwhile.

`longest_wait_ms` is the longest that the neighbour waited for a completion of a few tokens, so that a wait tells of the
daemon and not of the length of the model's text. `longest_wait_alone_ms` is the same before the first repository, and
`longest_wait_beside_ordinary_ms` while the other session opened ordinary repositories, which use the model as much.
`failed` names the seeds during which the daemon was replaced, a request was not answered, or the daemon took over 1 GB,
and `slow` those during which the neighbour waited over 300 ms. `--seed N --repositories 1` tries one again.
"""

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import tempfile
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter, sleep

import psutil

from benchmarks.hostile_repository import HostileRepository
from benchmarks.startup import ROOT, Editor, own_runtime_folder
from lsp_server.relay.runtime_folder import LOCK, runtime_folder

TYPED = (
    "def total(prices, taxes):\n    result = 0\n    for price in prices:\n        result += price\n    return result\n"
)
URI = "file:///neighbour/typed.py"
PAUSE_S = 0.05  # between two keystrokes
ALONE_S = 3.0
SESSION_S = 45.0  # a session that is not answered within this time is given up; a hung daemon is replaced before
INVOKED, AUTOMATIC = 1, 2
SETTINGS = {"completion": {"max_tokens": 8}}  # of the neighbour
ORDINARY = 5  # repositories
MOST_WAIT_MS = 300
MOST_BYTES = 1_000_000_000
# A repository that makes the daemon ask for more than this fails there, and not on the whole machine.
LIMIT_BYTES = 6 << 30


@dataclass
class Watch:
    """The neighbour's waits, and the daemon that it saw, since the last `reset`."""

    waits_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    peak_bytes: int = 0


class Neighbour(threading.Thread):
    """Types the same few lines again and again, and asks for a completion after each character."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._editor = Editor()
        self._is_over = threading.Event()
        self._turn = threading.Lock()
        self._watch = Watch()

    def run(self) -> None:
        self._editor.initialize(settings=SETTINGS)
        document = {"uri": URI, "languageId": "python", "version": 1, "text": ""}
        self._editor.notify("textDocument/didOpen", {"textDocument": document})
        typed = 0
        while not self._is_over.is_set():
            typed += 1
            self._type(typed, TYPED[: typed % len(TYPED)])
            sleep(PAUSE_S)
        self._editor.leave()

    def take_watch(self) -> Watch:
        """Return what was seen since the last call, after the keystroke that runs."""
        with self._turn:
            watch, self._watch = self._watch, Watch()
        return watch

    def end(self) -> None:
        self._is_over.set()
        self.join(SESSION_S)
        self._editor.kill()

    def _type(self, version: int, text: str) -> None:
        with self._turn:
            change = {"textDocument": {"uri": URI, "version": version}, "contentChanges": [{"text": text}]}
            self._editor.notify("textDocument/didChange", change)
            position = {"line": text.count("\n"), "character": len(text.rpartition("\n")[2])}
            params = {"textDocument": {"uri": URI}, "position": position, "context": {"triggerKind": AUTOMATIC}}
            began_s = perf_counter()
            answer = self._editor.answer("textDocument/inlineCompletion", params)
            self._watch.waits_ms.append(1000 * (perf_counter() - began_s))
            if "error" in answer:
                self._watch.errors.append(answer["error"]["message"])
            self._look_at_daemon()

    def _look_at_daemon(self) -> None:
        with suppress(psutil.Error, ValueError, OSError):  # the daemon has just died
            pid = int((runtime_folder() / LOCK).read_text())
            self._watch.pids.add(pid)
            processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
            used_bytes = sum(process.memory_info().rss for process in processes)
            self._watch.peak_bytes = max(self._watch.peak_bytes, used_bytes)


class OrdinaryRepository:
    """A repository below `root` with some of Midspan's own sources, as a peer of the hostile ones."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.texts: dict[Path, str] = {}
        root.mkdir()
        sources = sorted((ROOT / "inference").glob("**/*.py"), key=lambda path: -path.stat().st_size)
        for path in random.Random(seed).sample(sources[:40], 8):
            self.texts[root / path.name] = path.read_text(encoding="utf-8")
        for path, text in self.texts.items():
            path.write_text(text, encoding="utf-8")


def visit(editor: Editor, repository: HostileRepository | OrdinaryRepository) -> None:
    """Open the repository and its sources, type into them, and ask for completions and actions there."""
    editor.initialize(repository.root.as_uri())
    for path, text in list(repository.texts.items())[:4]:
        document = {"uri": path.as_uri()}
        opened = document | {"languageId": "python", "version": 1, "text": text}
        last_line = text.count("\n")
        where = {"line": last_line // 2, "character": 0}
        change = {"range": {"start": where, "end": where}, "text": "value = "}
        here = {"start": where, "end": where}
        editor.notify("textDocument/didOpen", {"textDocument": opened})
        for kind in (INVOKED, AUTOMATIC):
            params = {"textDocument": document, "position": where, "context": {"triggerKind": kind}}
            editor.answer("textDocument/inlineCompletion", params)
            changed = {"textDocument": document | {"version": 2}, "contentChanges": [change]}
            editor.notify("textDocument/didChange", changed)
        asked = {"textDocument": document, "range": here, "context": {"diagnostics": []}}
        editor.answer("textDocument/codeAction", asked)
    editor.answer("midspan/status", None)
    editor.leave()


def is_answered(repository: HostileRepository | OrdinaryRepository) -> bool:
    """Visit the repository in a session of its own; return whether that session got all its answers."""
    editor = Editor()
    session = threading.Thread(target=visit, args=(editor, repository), daemon=True)
    session.start()
    session.join(SESSION_S)
    answered = not session.is_alive()
    editor.kill()
    session.join()
    return answered


@contextmanager
def limited_memory() -> Iterator[None]:
    """Limit the memory that the processes may take which are started meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def fuzz(seconds: float, first_seed: int, most_repositories: int | None = None) -> dict[str, object]:
    """Visit repositories until the time is over, and return the figures."""
    failed, slow, waits_ms, peak_bytes, restarts, errors = dict[int, str](), dict[int, float](), list[float](), 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder, own_runtime_folder(), limited_memory():
        os.environ["XDG_CACHE_HOME"] = folder  # of the indexes
        neighbour = Neighbour()
        neighbour.start()
        while not neighbour.take_watch().waits_ms:  # the model is loaded with the first
            sleep(PAUSE_S)
        sleep(ALONE_S)
        alone = neighbour.take_watch()
        for number in range(ORDINARY):
            is_answered(OrdinaryRepository(Path(folder) / f"ordinary{number}", number))
        ordinary = neighbour.take_watch()
        pids = alone.pids | ordinary.pids
        end, seed = monotonic() + seconds, first_seed
        while monotonic() < end and seed - first_seed != most_repositories:
            root = Path(folder) / str(seed)
            answered = is_answered(HostileRepository(root, seed))
            watch = neighbour.take_watch()
            new_pids = watch.pids - pids
            waits_ms += watch.waits_ms
            peak_bytes = max(peak_bytes, watch.peak_bytes)
            restarts += len(new_pids)
            errors += len(watch.errors)
            reasons = {
                "a request of its session was not answered": not answered,
                "the neighbour's session has ended": not neighbour.is_alive(),
                "the daemon was replaced": bool(new_pids),
                f"the neighbour was answered with {watch.errors[:1]}": bool(watch.errors),
                f"the daemon took {watch.peak_bytes} bytes": watch.peak_bytes > MOST_BYTES,
            }
            if why := "; ".join(reason for reason, holds in reasons.items() if holds):
                failed[seed] = why
            if max(watch.waits_ms, default=0) > MOST_WAIT_MS:
                slow[seed] = round(max(watch.waits_ms), 1)
            pids |= new_pids
            shutil.rmtree(root)
            seed += 1
        neighbour.end()
    return {
        "repositories": seed - first_seed,
        "longest_wait_ms": round(max(waits_ms, default=0), 1),
        "median_wait_ms": round(statistics.median(waits_ms), 1) if waits_ms else None,
        "longest_wait_alone_ms": round(max(alone.waits_ms, default=0), 1),
        "longest_wait_beside_ordinary_ms": round(max(ordinary.waits_ms, default=0), 1),
        "keystrokes": len(waits_ms),
        "neighbour_errors": errors,
        "restarts": restarts,
        "peak_bytes": peak_bytes,
        "failed": failed,
        "slow": slow,
    }


def parse_options() -> Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help="the first repository's seed")
    parser.add_argument("--repositories", type=int, help="end after so many")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    figures = fuzz(60 * options.minutes, options.seed, options.repositories)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
