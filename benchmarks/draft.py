"""The time that drafts save: the same requests without drafts, with each source alone, and with all of them, in turn.

`holes` are lines and blocks of Flask and Django, asked as a user's keystroke asks. Their own file is an open document
without the hole's text, and the index's lines of open documents are not drafted, so no source knows the wanted text.
`retyped` are the same holes after the user has typed up to the first character that the model did not predict.
`rename`, `argument` and `docstring` are edits by a model that chats, with the function as the draft. `echo` takes any
model: the draft is the output without a draft, in which every so many lines one is changed.
"""

import argparse
import itertools
import json
import logging
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import get_args

from benchmarks.drafts.edits import echo_request, edit_request, functions, with_echo
from benchmarks.drafts.holes import Hole, draw_holes
from benchmarks.held_out import open_workspace
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.packer import ContextPacker
from inference.api import DraftSource, EngineSettings, Request, Trace, Update
from inference.drafting.drafter import ALL_SOURCES, Drafting
from inference.loader import load_draft_model
from inference.local_engine import BUILTIN_MODEL, LocalEngine
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.completion.ghost_text.predictions import Predictions
from lsp_server.settings.values import CompletionSettings

log = logging.getLogger(__name__)

DEFAULT_FILE = Path(argparse.__file__)
NONE, ALL, OTHERS = "none", "all", "all but builtin"
_PROMPT_TOKENS = 1024  # what two seconds prefill of a model of 1.5B on two cores


@dataclass
class Sums:
    """The sums over all requests of one way to draft."""

    decode_tokens: int = 0
    ms: float = 0.0
    same_texts: int = 0
    drafted: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)

    def add(self, trace: Trace, is_same_text: bool) -> None:
        self.decode_tokens += trace.decode_tokens
        self.ms += trace.total_ms
        self.same_texts += is_same_text
        for use in trace.drafts:
            self.drafted[use.source] += use.drafted_tokens
            self.accepted[use.source] += use.accepted_tokens

    def figures(self, none: "Sums") -> dict[str, object]:
        accepted, drafted = self.accepted.total(), self.drafted.total()
        return {
            "tokens": self.decode_tokens,
            "same_text": self.same_texts,
            "tokens_per_second": round(1000 * self.decode_tokens / self.ms, 2),
            "ratio": round(none.ms / self.ms * self.decode_tokens / none.decode_tokens, 3),
            "tokens_per_step": round(self.decode_tokens / (self.decode_tokens - accepted), 3),
            "drafted_tokens": drafted,
            "accepted_share": round(accepted / max(drafted, 1), 3),
            "accepted_by_source": {source: [self.accepted[source], count] for source, count in self.drafted.items()},
        }


def run(engine: LocalEngine, request: Request) -> tuple[str, Trace]:
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(request, updates.put)
    text = ""
    while True:
        update = updates.get()
        text += update.text
        if update.error is not None:
            raise update.error
        if update.finish_reason is not None and update.trace is not None:
            return text, update.trace


def hole_request(engine: LocalEngine, hole: Hole, workspace: Workspace, predictions: Predictions) -> Request:
    source = PromptSource(
        ContextPacker(workspace, keeps_placement=False),
        prompt_tokens=_PROMPT_TOKENS,
        predicted=predictions.outputs_at(hole.snapshot),
    )
    settings = CompletionSettings(max_tokens=96)
    return build_request(engine, hole.snapshot, hole.max_lines, settings, source)[1]


def retype(hole: Hole, output: str, predictions: Predictions) -> Hole | None:
    """Return the hole behind the first character that was not predicted; None where all of it was predicted."""
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(output, hole.wanted, strict=False)))
    if same + 1 >= len(hole.wanted.split("\n")[0]):
        return None
    predictions.remember_output(Snapshot(hole.snapshot.document, hole.snapshot.cursor), output)
    return replace(hole, start=hole.start + same + 1)


def requests(engine: LocalEngine, arguments: Namespace, folder: Path) -> Iterator[tuple[str, Request]]:
    """Yield each request with the name of its group."""
    if arguments.task in ("holes", "retyped"):
        workspaces: dict[str, Workspace] = {}
        for hole in draw_holes(arguments.requests):
            package = hole.package
            if package.name not in workspaces:
                workspaces[package.name] = open_workspace(package.root, folder)
            predictions = Predictions()
            request = hole_request(engine, hole, workspaces[package.name], predictions)
            if arguments.task == "retyped":
                later = retype(hole, run(engine, request)[0], predictions)
                if later is None:
                    continue
                request = hole_request(engine, later, workspaces[package.name], predictions)
            yield hole.kind, request
        for workspace in workspaces.values():
            workspace.close()
        return
    for function in itertools.islice(functions(arguments.file), arguments.requests):
        if arguments.task == "echo":
            request = echo_request(engine, function, arguments.tokens)
            yield "echo", with_echo(engine, request, run(engine, request)[0], arguments.changed_line)
        else:
            yield arguments.task, edit_request(engine, arguments.task, function, arguments.tokens)


def measure(
    engine: LocalEngine, ways: Mapping[str, Drafting], asked: Iterable[tuple[str, Request]]
) -> dict[str, dict[str, Sums]]:
    """Ask each request in all ways, of which each has its own experience; each way begins as often as the others."""
    sums: dict[str, dict[str, Sums]] = {}
    for number, (group, request) in enumerate(asked):
        engine.drafting = ways[NONE]
        run(engine, replace(request, max_new_tokens=1))  # so that none of the ways prefills the prompt
        answers: dict[str, tuple[str, Trace]] = {}
        order = list(ways)
        for way in order[number % len(order) :] + order[: number % len(order)]:
            engine.drafting = ways[way]
            answers[way] = run(engine, request)
        for way, (text, trace) in answers.items():
            for name in dict.fromkeys((group, "together")):
                sums.setdefault(name, {}).setdefault(way, Sums()).add(trace, text == answers[NONE][0])
        so_far = sums["together"]
        log.info("%d requests: %s", number + 1, so_far[ALL].figures(so_far[NONE]))
    return sums


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model folder (default: the built-in model)")
    parser.add_argument("--quant", choices=["auto", "none", "int8", "int4"], default="auto")
    parser.add_argument(
        "--task", choices=["holes", "retyped", "echo", "rename", "argument", "docstring"], default="holes"
    )
    parser.add_argument("--file", type=Path, default=DEFAULT_FILE, help="the edited functions (default: argparse.py)")
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=256, help="the longest edit")
    parser.add_argument("--changed-line", type=int, default=8, help="echo: change one line in this many")
    parser.add_argument(
        "--sources", nargs="*", choices=get_args(DraftSource), help="measured alone; default: those of the task"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    alone = arguments.sources
    if alone is None:
        holes: list[DraftSource] = ["prompt", "document", "lines", "suffix", "builtin"]
        alone = {"holes": holes, "retyped": [*holes, "prediction"]}.get(arguments.task, ["edit"])
    engine = LocalEngine(EngineSettings(model=arguments.model, quant=arguments.quant))
    engine.ready.result()
    sources: dict[str, Set[DraftSource]] = {
        NONE: frozenset(),
        **{source: {source} for source in alone},
        ALL: ALL_SOURCES,
    }
    continuations = None
    if arguments.model is not None:
        sources[OTHERS] = ALL_SOURCES - {"builtin"}
        continuations = load_draft_model(BUILTIN_MODEL, engine.tokenizer)
    ways = {way: Drafting(sources=taken, continuations=continuations) for way, taken in sources.items()}
    with tempfile.TemporaryDirectory() as folder:
        sums = measure(engine, ways, requests(engine, arguments, Path(folder)))
    engine.close()
    for group, by_way in sums.items():
        for way, summed in by_way.items():
            figures = {"group": group, "way": way, **summed.figures(by_way[NONE])}
            print(
                json.dumps(figures)
                if arguments.json
                else "  ".join(f"{name} {value}" for name, value in figures.items())
            )


if __name__ == "__main__":
    main()
