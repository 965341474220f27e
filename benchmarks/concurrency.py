"""The cost of a streaming chat to the completions beside it, on completion's own engine and on a second engine.

A real file is typed, as in benchmarks/keystroke.py. Blocks of keystrokes alone, beside a chat on the same engine and
beside a chat on another engine take turns, so that other work on the machine slows all three.
"""

import argparse
import json
import statistics
import threading
from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import perf_counter

from benchmarks.keystroke import DEFAULT_FILE, ONE_LINE, run, type_file
from context.documents.document import read_document
from context.packer import ContextPacker
from inference.api import EngineSettings, Request, Update
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.settings.values import ModelSettings

CHAT_TOKENS = 256
SITUATIONS = "alone", "same_engine", "second_engine"


class Chat:
    """A chat that asks one question after another and ignores the model's EOS, so that it works all the time."""

    def __init__(self, engine: LocalEngine, prompt: tuple[int, ...]) -> None:
        self._engine = engine
        self._prompt = prompt
        self._count = 0
        self._is_over = threading.Event()
        self.tokens = 0

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


def measure(arguments: Namespace) -> dict[str, object]:
    engine, other = (LocalEngine(EngineSettings(model=arguments.model)) for _ in range(2))
    for each in (engine, other):
        each.ready.result()
    document = read_document(arguments.file)
    prompt = tuple(engine.tokenizer.encode(document.text)[: arguments.chat_prompt_tokens])
    chats = {"same_engine": Chat(engine, prompt), "second_engine": Chat(other, prompt)}
    source = PromptSource(ContextPacker(None), prompt_tokens=arguments.context_tokens)
    waited_ms: defaultdict[str, list[float]] = defaultdict(list)
    streamed_s: defaultdict[str, float] = defaultdict(float)
    line = arguments.first_line
    for _ in range(arguments.rounds):
        for situation in SITUATIONS:
            chat = chats.get(situation)
            began_s = perf_counter()
            with chat.streaming() if chat else nullcontext():
                for number, snapshot in enumerate(type_file(document, (), line, arguments.keystrokes)):
                    started_s = perf_counter()
                    _, request = build_request(engine, snapshot, ONE_LINE, ModelSettings(), source)
                    run(engine, request, snapshot)
                    if number:  # the first keystroke jumps to another place
                        waited_ms[situation].append(1000 * (perf_counter() - started_s))
            streamed_s[situation] += perf_counter() - began_s
            line += 20
    result: dict[str, object] = {"keystrokes": len(waited_ms["alone"])}
    alone = _percentiles(waited_ms["alone"])
    for situation in SITUATIONS:
        here = _percentiles(waited_ms[situation])
        here["p95_ratio"] = round(here["p95_ms"] / alone["p95_ms"], 2)
        if situation in chats:
            here["chat_tokens_per_s"] = round(chats[situation].tokens / streamed_s[situation], 1)
        result[situation] = here
    return result


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
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments), indent=None if arguments.json else 2))


if __name__ == "__main__":
    main()
