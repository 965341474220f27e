"""The cost of a warm keystroke: a real file is typed again, one character at a time, and each state is completed.

`--context-tokens` is the longest prompt, with parts of other open files. `request_to_text` is the time that a user
waits for the text of a line: packing (`before_engine`), the engine, and postprocessing.

The peer is the same engine without its prefix cache: every prompt is prefilled whole (`--peer transformers` takes the
reference implementation on the same weights instead).
"""

import argparse
import asyncio
import json
import statistics
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from lsprotocol import types

from context.documents.document import Document, read_document
from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from inference.api import EngineSettings, Request, Trace
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt, read_tokens
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.completion.outputs.candidates import generate_one
from lsp_server.completion.postprocess import postprocess
from lsp_server.rpc.documents import OpenDocuments
from lsp_server.rpc.positions import position_of
from lsp_server.server.generate import Generated, generate
from lsp_server.server.prompt_budget import FIRST_TOKENS
from lsp_server.settings.values import CompletionSettings
from midspan import ModelError

DEFAULT_FILE = Path(argparse.__file__)
OPEN_FILES = ["optparse.py", "gettext.py", "configparser.py"]
ONE_LINE = 1
_ENCODING = types.PositionEncodingKind.Utf32


@dataclass(frozen=True)
class Keystroke:
    trace: Trace
    before_engine_ms: float
    request_to_text_ms: float
    peer_ms: float


def type_file(document: Document, others: tuple[Document, ...], first_line: int, count: int) -> Iterator[Snapshot]:
    """The states of the document while an editor types `count` characters from a line's beginning; others are open."""
    uri, documents = Path(document.path).as_uri(), OpenDocuments()
    start = document.line_starts[first_line]
    untyped = document.text[:start] + document.text[start + count :]
    documents.open(types.TextDocumentItem(uri, document.language, 0, untyped), [])
    for offset in range(start, start + count):
        place = position_of(documents.document(uri), offset, _ENCODING)
        change = types.TextDocumentContentChangePartial(types.Range(place, place), document.text[offset])
        documents.change(uri, offset, [change], _ENCODING)
        yield Snapshot(documents.document(uri), offset + 1, others)


def run(engine: LocalEngine, request: Request, snapshot: Snapshot) -> tuple[Generated, Trace]:
    (generated,) = asyncio.run(generate_one(engine, request, snapshot))
    if generated.trace is None:
        raise ModelError("the engine was closed in the middle")
    return generated, generated.trace


def first_token_of_transformers(folder: Path) -> Callable[[Request], float]:
    """ms from a whole prompt to its first token, in the dtype the weights are stored in."""
    import torch
    from transformers import DeepseekV2ForCausalLM

    model = DeepseekV2ForCausalLM.from_pretrained(folder, dtype="auto").eval()

    def measure(request: Request) -> float:
        started_s = perf_counter()
        with torch.inference_mode():
            model(torch.tensor([read_tokens(request.prompt)]), logits_to_keep=1).logits.argmax()
        return (perf_counter() - started_s) * 1000

    return measure


def first_token_uncached(settings: EngineSettings) -> Callable[[Request], float]:
    """ms to the first token on an engine whose cache holds another prompt only."""
    engine = LocalEngine(settings)
    engine.ready.result()

    def measure(request: Request) -> float:
        # The first token after BOS differs, so nothing of the last prompt matches.
        first, _, *rest = read_tokens(request.prompt)
        other = TokenPrompt((first, 1 + int(perf_counter() * 1e6) % 1000, *rest))
        trace = asyncio.run(generate(engine, Request(other, 1))).trace
        return (trace and trace.ttft_ms) or 0.0

    return measure


def measure(arguments: Namespace) -> list[Keystroke]:
    settings = CompletionSettings(model=arguments.model)
    engine_settings = EngineSettings(model=arguments.model)
    engine = LocalEngine(engine_settings)
    engine.ready.result()
    peer = (
        first_token_of_transformers(engine.folder)
        if arguments.peer == "transformers"
        else first_token_uncached(engine_settings)
    )
    document = read_document(arguments.file)
    others = tuple(read_document(arguments.file.with_name(name)) for name in arguments.open)
    known = PromptSource(ContextPacker(None), prompt_tokens=arguments.context_tokens)
    keystrokes = []
    for snapshot in type_file(document, others, arguments.line - 1, arguments.keystrokes):
        started_s = perf_counter()
        _, request = build_request(engine, snapshot, ONE_LINE, settings, known)
        before_engine_ms = (perf_counter() - started_s) * 1000
        generated, trace = run(engine, request, snapshot)
        postprocess(generated.text, snapshot, generated.finish_reason)
        took_ms = (perf_counter() - started_s) * 1000
        keystrokes.append(Keystroke(trace, before_engine_ms, took_ms, peer(request)))
    engine.close()
    return keystrokes[1:]  # the first keystroke finds an empty cache


def summarize(keystrokes: list[Keystroke]) -> dict[str, float]:
    def percentile(values: Sequence[float], share: float) -> float:
        return sorted(values)[min(len(values) - 1, int(share * len(values)))]

    ttft_ms = [k.trace.ttft_ms for k in keystrokes if k.trace.ttft_ms is not None]
    total_ms = [k.trace.total_ms for k in keystrokes]
    decode_tokens = [k.trace.decode_tokens for k in keystrokes]
    waited_ms = [k.request_to_text_ms for k in keystrokes]
    peer_ms = statistics.median(k.peer_ms for k in keystrokes)
    return {
        "keystrokes": len(keystrokes),
        "prompt_tokens": statistics.median(k.trace.prompt_tokens for k in keystrokes),
        "recomputed_tokens": statistics.median(k.trace.prefilled_tokens for k in keystrokes),
        "recomputed_tokens_p95": percentile([k.trace.prefilled_tokens for k in keystrokes], 0.95),
        "decode_tokens": statistics.median(decode_tokens),
        "decode_tokens_p95": percentile(decode_tokens, 0.95),
        "decode_tokens_max": max(decode_tokens),
        "ttft_ms": statistics.median(ttft_ms),
        "ttft_ms_p95": percentile(ttft_ms, 0.95),
        "total_ms": statistics.median(total_ms),
        "total_ms_p95": percentile(total_ms, 0.95),
        "before_engine_ms": statistics.median(k.before_engine_ms for k in keystrokes),
        "request_to_text_ms": statistics.median(waited_ms),
        "request_to_text_ms_p95": percentile(waited_ms, 0.95),
        "peer_ttft_ms": peer_ms,
        "peer_to_ours": peer_ms / statistics.median(ttft_ms),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model folder (default: the built-in model)")
    parser.add_argument("--file", type=Path, default=DEFAULT_FILE, help="the file that is typed (default: argparse.py)")
    parser.add_argument(
        "--open", nargs="*", default=OPEN_FILES, metavar="NAME", help="other open files of the same folder"
    )
    parser.add_argument("--context-tokens", type=int, default=FIRST_TOKENS, help="the longest prompt (default: 2048)")
    parser.add_argument("--line", type=int, default=2000, help="the line where typing begins; lines count from 1")
    parser.add_argument("--keystrokes", type=int, default=60)
    parser.add_argument("--peer", choices=["uncached", "transformers"], default="uncached")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = {name: round(value, 1) for name, value in summarize(measure(arguments)).items()}
    if arguments.json:
        print(json.dumps(figures | {"peer": arguments.peer}))
        return
    for name, value in figures.items():
        print(f"{name:24}{value:>10}")


if __name__ == "__main__":
    main()
