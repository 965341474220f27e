"""The recall of retrieval. Of held-out lines that use a name of another file, the share whose pack contains that name's
definition: with all sources, with the open buffers alone, and with BM25 alone.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.held_out import HeldOut, hold_out, open_workspace
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.prompt.pack import Budget, pack
from context.prompt.snippet import Snippet
from context.prompt.window import CountTokens
from context.related.collect import collect
from context.related.cursor import look_around
from context.related.sources import from_similar
from inference.local_engine import BUILTIN_MODEL
from inference.prompts.families import DEEPSEEK_V2
from inference.prompts.tokenizer import Tokenizer

Collect = Callable[[Snapshot], Sequence[Snippet]]


def contains_definition(held_out: HeldOut, snippets: Sequence[Snippet], budget_tokens: int, count: CountTokens) -> bool:
    """Return whether the pack shows the line that defines the name, under the path of its file."""
    packed = pack(held_out.snapshot, snippets, Budget(budget_tokens), count)
    symbol = held_out.definition.symbol
    defining = next(line for line in symbol.signature.split("\n") if symbol.name in line).strip()
    path = ""
    paths = {segment.path for segment in packed.segments}
    for line in packed.context.split("\n"):
        named = line.removeprefix("# ").removeprefix("// ")
        path = named if named in paths else path
        if path == held_out.definition.path and line.strip() == defining:
            return True
    return False


def measure(workspace: Workspace, lines: int, budget_tokens: int, seed: int, count: CountTokens) -> dict[str, float]:
    """The shares of held-out lines whose pack has the definition, by source."""

    def from_everything(snapshot: Snapshot) -> Sequence[Snippet]:
        return collect(snapshot, workspace)

    def from_words(snapshot: Snapshot) -> Sequence[Snippet]:
        view = workspace.view()
        return list(from_similar(look_around(snapshot, view), view))

    held_out = hold_out(workspace, lines, seed)
    ways: dict[str, Collect] = {"all": from_everything, "buffers": collect, "bm25": from_words}
    found = {
        name: [contains_definition(one, way(one.snapshot), budget_tokens, count) for one in held_out]
        for name, way in ways.items()
    }
    return {"lines": len(held_out), **{f"recall_{name}": sum(hits) / len(hits) for name, hits in found.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="the folder of a real repository with Python in it")
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--budget", type=int, default=4096, help="tokens of the prompt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, default=BUILTIN_MODEL, help="count with this model's tokenizer")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    count = Tokenizer(arguments.model, DEEPSEEK_V2).count
    with tempfile.TemporaryDirectory() as cache:
        workspace = open_workspace(arguments.root, Path(cache))
        figures = measure(workspace, arguments.lines, arguments.budget, arguments.seed, count)
        workspace.close()
    if arguments.json:
        print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
        return
    for name, value in figures.items():
        print(f"{name:16}{value:8.3f}")


if __name__ == "__main__":
    main()
