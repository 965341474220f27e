"""The cost of background work to the completions beside it.

A real file is typed, as in benchmarks/keystroke.py. Blocks of keystrokes alone, beside a chat on the same engine,
beside a chat on another engine, and beside a chat with a prompt of 8K tokens while Midspan looks ahead, take turns, so
that other work on the machine slows all of them. `queue_p50_ms` and `longest_queue_ms` tell how long a keystroke waited
for a step of the background.
"""

import argparse
import json
import statistics
import threading
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter, sleep

from benchmarks.keystroke import DEFAULT_FILE, ONE_LINE, run, type_file
from context.documents.document import read_document
from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from inference.api import EngineSettings, Request, RunningRequest, Update
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.settings.values import CompletionSettings

CHAT_TOKENS = 256
LONG_CHAT_TOKENS = 8192
SITUATIONS = "alone", "same_engine", "second_engine", "look_ahead_and_long_chat"


class Chat:
    """A chat that asks one question after another and ignores the model's EOS, so that it works all the time."""

    def __init__(self, engine: LocalEngine, prompt: tuple[int, ...]) -> None:
        self._engine = engine
        self._prompt = prompt
        self._count = 0
        self._is_over = threading.Event()
        self.tokens = 0

    @property
    def prompt_tokens(self) -> int:
        return len(self._prompt)

    @contextmanager
    def streaming(self) -> Iterator[None]:
        self._is_over.clear()
        thread = threading.Thread(target=self._run)
        thread.start()
        yield
        self._is_over.set()
        thread.join()

    def _run(self) -> None:
        while not self._is_over.is_set():
            ended: Future[None] = Future()

            def take(update: Update, ended: "Future[None]" = ended) -> None:
                self.tokens += bool(update.text)
                if update.finish_reason is not None:
                    ended.set_result(None)

            self._count += 1  # every question begins elsewhere, so that part of it is prefilled
            prompt = TokenPrompt(self._prompt[self._count % 64 :])
            generation = self._engine.submit(Request(prompt, CHAT_TOKENS, background=True), take)
            while not ended.done() and not self._is_over.wait(0.01):
                pass
            generation.cancel()
            ended.result()


class LookAhead:
    """The completion after the acceptance of each one, computed in the background until the next keystroke."""

    def __init__(self, engine: LocalEngine, prompt_tokens: int) -> None:
        self._engine = engine
        self._source = PromptSource(prompt_tokens=prompt_tokens)
        self._running: RunningRequest | None = None
        self.tokens = 0

    def start(self, snapshot: Snapshot, text: str) -> None:
        document, cursor = snapshot.document, snapshot.cursor
        accepted = replace(document, text=document.text[:cursor] + text + document.text[cursor:])
        after = replace(snapshot, document=accepted, cursor=cursor + len(text))
        _, request = build_request(self._engine, after, None, CompletionSettings(), self._source)
        self._running = self._engine.submit(replace(request, background=True), self._take)

    def end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _take(self, update: Update) -> None:
        self.tokens += bool(update.text)


@dataclass
class Typed:
    """The keystrokes of one situation, but for the first of each block, which jumps to another place."""

    waits_ms: list[float] = field(default_factory=list)
    queue_ms: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0


def type_block(
    engine: LocalEngine, snapshots: Iterable[Snapshot], source: PromptSource, pause_s: float, ahead: LookAhead | None
) -> Typed:
    """Type, and wait for the completion of each keystroke."""
    typed = Typed()
    for number, snapshot in enumerate(snapshots):
        sleep(pause_s)
        started_s = perf_counter()
        if ahead is not None:
            ahead.end()
        _, request = build_request(engine, snapshot, ONE_LINE, CompletionSettings(), source)
        generated, trace = run(engine, request, snapshot)
        waited_ms = 1000 * (perf_counter() - started_s)
        if number:
            typed.waits_ms.append(waited_ms)
            typed.queue_ms.append(trace.queue_ms or 0.0)
            typed.tokens += trace.decode_tokens
        if ahead is not None:
            ahead.start(snapshot, generated.text)
    if ahead is not None:
        ahead.end()
    return typed


def measure(arguments: Namespace) -> dict[str, object]:
    engine, other = (LocalEngine(EngineSettings(model=arguments.model)) for _ in range(2))
    for each in (engine, other):
        each.ready.result()
    document = read_document(arguments.file)
    tokens = tuple(engine.tokenizer.encode(document.text))
    most_tokens = engine.info.context_tokens - CHAT_TOKENS
    short, long = (tokens[: min(count, most_tokens)] for count in (arguments.chat_prompt_tokens, LONG_CHAT_TOKENS))
    chats = {
        "same_engine": Chat(engine, short),
        "second_engine": Chat(other, short),
        "look_ahead_and_long_chat": Chat(engine, long),
    }
    ahead = LookAhead(engine, arguments.context_tokens)
    source = PromptSource(ContextPacker(None), prompt_tokens=arguments.context_tokens)
    results: defaultdict[str, Typed] = defaultdict(Typed)
    for number in range(arguments.rounds):
        line = arguments.first_line + 20 * number
        for situation in SITUATIONS:
            # The same lines in all situations, in a text of its own: nothing of it is cached from the one before.
            own = replace(document, text=f"# {situation} {number}\n{document.text}")
            chat = chats.get(situation)
            began_s = perf_counter()
            with chat.streaming() if chat else nullcontext():
                snapshots = type_file(own, (), line + 1, arguments.keystrokes)
                looks_ahead = ahead if situation == "look_ahead_and_long_chat" else None
                typed = type_block(engine, snapshots, source, arguments.pause_ms / 1000, looks_ahead)
            results[situation].waits_ms += typed.waits_ms
            results[situation].queue_ms += typed.queue_ms
            results[situation].tokens += typed.tokens
            results[situation].seconds += perf_counter() - began_s
    for each in (engine, other):
        each.close()
    alone = _percentiles(results["alone"].waits_ms)
    figures: dict[str, object] = {"keystrokes": len(results["alone"].waits_ms), "pause_ms": arguments.pause_ms}
    for situation, typed in results.items():
        here = _percentiles(typed.waits_ms)
        here["p95_ratio"] = round(here["p95_ms"] / alone["p95_ms"], 2)
        here["queue_p50_ms"] = round(statistics.median(typed.queue_ms), 2)
        here["longest_queue_ms"] = round(max(typed.queue_ms), 2)
        here["tokens"] = typed.tokens
        if situation in chats:
            here["chat_prompt_tokens"] = chats[situation].prompt_tokens
            here["chat_tokens_per_s"] = round(chats[situation].tokens / typed.seconds, 1)
        figures[situation] = here
    return figures


def _percentiles(values: list[float]) -> dict[str, float]:
    return {
        "p50_ms": round(statistics.median(values), 2),
        "p95_ms": round(statistics.quantiles(values, n=20)[-1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model folder (default: the built-in model)")
    parser.add_argument("--file", type=Path, default=DEFAULT_FILE)
    parser.add_argument("--first-line", type=int, default=200)
    parser.add_argument("--keystrokes", type=int, default=31, help="keystrokes of a block")
    parser.add_argument("--rounds", type=int, default=5, help="blocks of each situation")
    parser.add_argument("--context-tokens", type=int, default=1024)
    parser.add_argument("--chat-prompt-tokens", type=int, default=512)
    parser.add_argument("--pause-ms", type=float, default=100.0, help="before each keystroke")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments), indent=None if arguments.json else 2))


if __name__ == "__main__":
    main()
