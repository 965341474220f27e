"""The time that a draft saves when an edit is decoded: the same request with and without its draft, in one run.

`--task rename` asks a model that chats to rename a variable of each of some functions of a file; the function is the
draft. `--task echo` takes any model: the draft is the output without a draft, in which every so many
lines one is changed, so that the measurement does not depend on the model's skill.
"""

import argparse
import ast
import json
import statistics
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from inference.api import EngineSettings, Message, Request, Trace, Update
from inference.local_engine import LocalEngine

DEFAULT_FILE = Path(argparse.__file__)


@dataclass(frozen=True)
class Pair:
    """A request without and with its draft; the prompt is cached both times."""

    plain: Trace
    drafted: Trace
    is_same_text: bool


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


def functions(file: Path, least_lines: int, most_lines: int) -> Iterator[tuple[str, str]]:
    """The text of each function of a fitting size, with one of its variables that occurs more than once."""
    source = file.read_text()
    for node in ast.walk(ast.parse(source)):
        text = ast.get_source_segment(source, node) if isinstance(node, ast.FunctionDef) else None
        if text is None or not least_lines <= text.count("\n") <= most_lines:
            continue
        names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        if names:
            yield text, max(names, key=names.count)


def rename_requests(engine: LocalEngine, arguments: Namespace) -> Iterator[Request]:
    for text, name in functions(arguments.file, 12, 60):
        asked = f"Rename the variable `{name}` to `renamed_{name}`. Answer with the whole function, in one code block."
        prompt = engine.chat_prompt([Message("user", f"```python\n{text}\n```\n{asked}")])
        yield Request(prompt, arguments.tokens, draft_tokens=engine.draft(text))


def echo_requests(engine: LocalEngine, arguments: Namespace) -> Iterator[Request]:
    for text, _ in functions(arguments.file, 12, 60):
        head = "".join(text.splitlines(keepends=True)[:6])
        request = Request(engine.fim_prompt("", head, ""), arguments.tokens)
        lines = run(engine, request)[0].splitlines(keepends=True)
        for index in range(arguments.changed_line - 1, len(lines), arguments.changed_line):
            lines[index] = lines[index].replace("e", "o")
        yield replace(request, draft_tokens=engine.draft("".join(lines)))


def measure(arguments: Namespace) -> list[Pair]:
    engine = LocalEngine(EngineSettings(model=arguments.model, quant=arguments.quant))
    engine.ready.result()
    requests = {"rename": rename_requests, "echo": echo_requests}[arguments.task](engine, arguments)
    pairs = []
    for request, _ in zip(requests, range(arguments.requests), strict=False):
        plainly = replace(request, draft_tokens=())
        run(engine, replace(plainly, max_new_tokens=1))  # so that neither of the two prefills the prompt
        text, plain = run(engine, plainly)
        again, drafted = run(engine, request)
        pairs.append(Pair(plain, drafted, text == again))
    engine.close()
    return pairs


def summarize(pairs: list[Pair]) -> dict[str, float]:
    plain_ms, drafted_ms = sum(p.plain.total_ms for p in pairs), sum(p.drafted.total_ms for p in pairs)
    tokens = sum(pair.plain.decode_tokens for pair in pairs)
    drafted = sum(pair.drafted.drafted_tokens for pair in pairs)
    accepted = sum(pair.drafted.accepted_tokens for pair in pairs)
    return {
        "requests": len(pairs),
        "same_text": sum(pair.is_same_text for pair in pairs),
        "output_tokens": statistics.median(pair.plain.decode_tokens for pair in pairs),
        "drafted_tokens": drafted,
        "accepted_share": accepted / max(drafted, 1),
        "saved_steps_share": accepted / tokens,
        "plain_tokens_per_second": 1000 * tokens / plain_ms,
        "drafted_tokens_per_second": 1000 * sum(p.drafted.decode_tokens for p in pairs) / drafted_ms,
        "speedup": plain_ms / drafted_ms,
        "speedup_least": min(pair.plain.total_ms / pair.drafted.total_ms for pair in pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model folder (default: the built-in model)")
    parser.add_argument("--quant", choices=["auto", "none", "int8", "int4"], default="auto")
    parser.add_argument("--task", choices=["echo", "rename"], default="echo")
    parser.add_argument("--file", type=Path, default=DEFAULT_FILE, help="the functions' file (default: argparse.py)")
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=256, help="the longest output")
    parser.add_argument("--changed-line", type=int, default=8, help="echo: change one line in this many")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = {name: round(value, 3) for name, value in summarize(measure(arguments)).items()}
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:28}{value:>10}")


if __name__ == "__main__":
    main()
