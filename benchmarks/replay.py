"""The part of a prompt that equals the prompt before: two real files are typed in turns, with jumps, key by key."""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.held_out import open_workspace
from context.documents.document import Document, read_document
from context.documents.edits import EditRing
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.packer import ContextPacker
from context.prompt.pack import Budget
from inference.local_engine import BUILTIN_MODEL
from inference.prompts.families import DEEPSEEK_V2
from inference.prompts.prompt import build_fim_prompt
from inference.prompts.tokenizer import Tokenizer

# The index of a file, the place in it as a share, and the number of keys.
_SCRIPT = [(0, 0.6, 100), (0, 0.25, 50), (1, 0.5, 75), (0, 0.25, 45), (0, 0.8, 30)]
_KEYS_A_SECOND = 5.0


def keystrokes(documents: list[Document], ring: EditRing) -> Iterator[Snapshot]:
    """The keystrokes that type lines of the files again where they stood."""
    states = list(documents)
    time_s = 0.0
    for file, part, keys in _SCRIPT:
        before = states[file]
        start = before.line_starts[int(len(before.lines) * part)]
        typed = before.text[start : start + keys]
        gone = replace(before, text=before.text[:start] + before.text[start + keys :], version=before.version + 1)
        ring.note(before, gone, time_s)
        for length in range(1, keys + 1):
            text = gone.text[:start] + typed[:length] + gone.text[start:]
            now = replace(gone, text=text, version=gone.version + length)
            ring.note(states[file] if length > 1 else gone, now, time_s := time_s + 1 / _KEYS_A_SECOND)
            states[file] = now
            yield Snapshot(now, start + length, tuple(state for other, state in enumerate(states) if other != file))


def shares(
    workspace: Workspace, documents: list[Document], budget: Budget, tokenizer: Tokenizer
) -> list[tuple[float, bool]]:
    """For each prompt the share of its first tokens that the prompt before begins with, and whether the key before was
    on the same line.
    """
    ring, packer = EditRing(), ContextPacker(workspace)
    last: tuple[int, ...] = ()
    last_place: tuple[str, int] | None = None
    found = []
    for snapshot in keystrokes(documents, ring):
        packed = packer.pack(snapshot, budget, tokenizer.count, ring.recent())
        prefix = packed.prefix.removesuffix(tokenizer.begun_word(packed.prefix))
        prompt = build_fim_prompt(tokenizer, "psm", packed.context, prefix, packed.suffix)
        place = (snapshot.document.path, snapshot.document.position_at(snapshot.cursor)[0])
        if last:
            found.append((_common(prompt, last) / len(prompt), place == last_place))
        last, last_place = prompt, place
    return found


def _common(some: tuple[int, ...], other: tuple[int, ...]) -> int:
    for number, (mine, theirs) in enumerate(zip(some, other, strict=False)):
        if mine != theirs:
            return number
    return min(len(some), len(other))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(argparse.__file__).parent
    parser.add_argument("--root", type=Path, default=folder, help="the workspace (default: Python's library)")
    parser.add_argument("--files", type=Path, nargs=2, default=[folder / "argparse.py", folder / "optparse.py"])
    parser.add_argument("--budget", type=int, default=8192, help="tokens of the prompt")
    parser.add_argument("--model", type=Path, default=BUILTIN_MODEL, help="count with this model's tokenizer")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    tokenizer = Tokenizer(arguments.model, DEEPSEEK_V2)
    with tempfile.TemporaryDirectory() as cache:
        workspace = open_workspace(arguments.root, Path(cache))
        documents = [read_document(path, arguments.root) for path in arguments.files]
        found = shares(workspace, documents, Budget(arguments.budget), tokenizer)
        workspace.close()
    figures = {
        "keystrokes": len(found) + 1,
        "reuse_median": round(statistics.median(share for share, _ in found), 4),
        "reuse_mean": round(statistics.mean(share for share, _ in found), 4),
        "reuse_min_same_line": round(min(share for share, same_line in found if same_line), 4),
        "below_0.9": sum(share < 0.9 for share, _ in found),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22}{value:>10}")


if __name__ == "__main__":
    main()
