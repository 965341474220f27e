"""The engine beside llama.cpp and ik_llama.cpp on the same weights with as many bits, in turns: one line for each
model, form and context.

    decode_ms, peer_decode_ms            a decoded token with that context cached
    prefill_tok_s, peer_prefill_tok_s    a prompt of that length from nothing (of 512 tokens for the shortest)
    ttft_ms, peer_ttft_ms                the first token of a prompt of which the context is cached and 32 are new
    weights_bytes_per_s                  what a token reads of the weights, by decode_ms
    dram_bytes_per_s                     what a plain loop of as many threads reads, before and after each output
    pages_bytes                          what a token reads of the context's pages
    read_ms                              the time in which that loop reads the weights and the pages of a token

Ours go through the engine's door, as requests of the product do. The peers are measured by their own llama-bench.
--models is a folder with the GGUF files of Qwen2.5-Coder-Instruct in Q4_K_M; what is made of them is kept there.
"""

import argparse
import gc
import itertools
import json
import statistics
import sys
import sysconfig
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.peers.busy import busy_cores
from benchmarks.peers.llama_bench import GENERATED_TOKENS, NEW_TOKENS, IkLlamaCpp, LlamaCpp
from benchmarks.peers.models import FORMS, MODELS, ComparedModel, Form, ModelFiles
from inference.api import EngineSettings, Request, Trace, Update
from inference.cache.page_row import PageRow
from inference.drafting.drafter import Drafting
from inference.local_engine import LocalEngine
from inference.models.description import read_description
from inference.prompts.prompt import TokenPrompt
from inference.speed.machine_speed import processor_name
from inference.weights.checkpoint import stored_dtype
from inference.weights.memory_speed import ReadingLoop, physical_cores
from midspan import MidspanError, ModelError

SHORTEST_PREFILL = 512
DECODE_REPEATS = 3  # of each round, at one prefilled context; peers read a long context again for each, so once
ROUNDS = 3
ROUNDS_TOKENS = 8192  # of all rounds of a context, from which on it has one round
MEMORY_S = 0.05  # of a reading
REST_S = 8.0  # in which the engine makes half of the head, and moves its weights into large pages
TRIES = 20
ISA = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "amx_bf16", "asimddp", "i8mm", "bf16")


class OurEngine:
    """The product's engine with one model, and prompts of source code."""

    def __init__(self, folder: Path, form: Form, threads: int | None) -> None:
        self._engine = LocalEngine(EngineSettings(model=folder, quant=form, threads=threads))
        self._engine.drafting = Drafting(sources=frozenset())  # a token is one step, as it is for the peers
        self._engine.ready.result()
        library = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
        texts = itertools.islice((path.read_text(encoding="utf-8") for path in library), 60)
        self._source = [token for text in texts for token in self._engine.tokenizer.encode(text)]
        self._begins = itertools.count(0, 997)
        self.run(self.prompt(64), 4)  # a step that is the first of its kind compiles or allocates
        time.sleep(REST_S)

    def close(self) -> None:
        self._engine.close()

    def prompt(self, tokens: int) -> list[int]:
        """Return another piece of source code at each call, so that nothing of it is cached."""
        begin = next(self._begins) % (len(self._source) - tokens)
        return self._source[begin : begin + tokens]

    def run(self, prompt: list[int], new_tokens: int) -> Trace:
        """Generate greedily. Raises ModelError when the request fails."""
        updates: SimpleQueue[Update] = SimpleQueue()
        self._engine.submit(Request(TokenPrompt(tuple(prompt)), new_tokens), updates.put)
        while not (update := updates.get()).finish_reason:
            pass
        if update.error or update.trace is None or update.trace.ttft_ms is None:
            raise ModelError(f"the request failed: {update.error}")
        return update.trace

    def prefill_tok_s(self, prompt: list[int]) -> float:
        trace = self.run(prompt, 1)
        return trace.prefilled_tokens / float(trace.ttft_ms or 0) * 1000

    def ttft_ms(self, cached: list[int]) -> float:
        """The time to the first token behind `cached` and new tokens."""
        return float(self.run(cached + self.prompt(NEW_TOKENS), 1).ttft_ms or 0)

    def decode_ms(self, cached: list[int]) -> float:
        """The time of a decoded token, by the mean of an output; another output when the model ends it at once."""
        for _ in range(TRIES):
            trace = self.run(cached + self.prompt(1), GENERATED_TOKENS + 1)
            if trace.decode_tokens > GENERATED_TOKENS // 2:
                return (trace.total_ms - float(trace.ttft_ms or 0)) / (trace.decode_tokens - 1)
        raise ModelError("the model ends every output at once")


@dataclass
class Line:
    """The samples of one model, form and context."""

    model: ComparedModel
    form: Form
    context: int
    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, *values: float) -> None:
        self.samples.setdefault(name, []).extend(values)

    def median(self, name: str) -> float | None:
        return round(statistics.median(self.samples[name]), 3) if name in self.samples else None


@dataclass(frozen=True)
class Peers:
    llama_cpp: LlamaCpp
    ik: IkLlamaCpp | None
    gguf: Path


def measure_ours(engine: OurEngine, line: Line, memory: ReadingLoop, *, beside_busy: bool) -> None:
    """Measure a round; the longest prompt leaves its context in the cache, where the other figures find it."""
    prompt = engine.prompt(line.context)
    if line.context < SHORTEST_PREFILL:
        line.add("prefill_tok_s", engine.prefill_tok_s(engine.prompt(SHORTEST_PREFILL)))
        engine.run(prompt, 1)
    else:
        line.add("prefill_tok_s", engine.prefill_tok_s(prompt))
    for _ in range(DECODE_REPEATS):
        line.add("dram_bytes_per_s", *memory.bytes_per_s(MEMORY_S))
        line.add("decode_ms", engine.decode_ms(prompt))
        line.add("dram_bytes_per_s", *memory.bytes_per_s(MEMORY_S))
        line.add("ttft_ms", engine.ttft_ms(prompt))
        if beside_busy:
            with busy_cores():
                line.add("busy_decode_ms", engine.decode_ms(prompt))


def measure_peers(peers: Peers, line: Line) -> None:
    prefill = max(line.context, SHORTEST_PREFILL)
    repeats = DECODE_REPEATS if line.context < ROUNDS_TOKENS else 1
    line.add("peer_prefill_tok_s", prefill / peers.llama_cpp.prefill_s(peers.gguf, prefill))
    ttft_ms, decode_ms = peers.llama_cpp.at_context(peers.gguf, line.context, repeats)
    line.add("peer_ttft_ms", *ttft_ms)
    line.add("peer_decode_ms", *decode_ms)
    if peers.ik:
        try:
            line.add("ik_prefill_tok_s", prefill / peers.ik.prefill_s(peers.gguf, prefill))
            line.add("ik_decode_ms", *peers.ik.decode_ms(peers.gguf, line.context, repeats))
        except ModelError as error:  # it does not run every model
            print(error, file=sys.stderr)


@dataclass(frozen=True)
class TokenBytes:
    """The bytes that a decoded token reads: the weights that it meets, and a row of the pages for each token before."""

    weights: int
    row: int


def token_bytes(folder: Path, form: Form) -> TokenBytes:
    config = read_description(folder).config
    row = PageRow(config.page_width, stored_dtype(folder))
    return TokenBytes(config.active_weights.bytes_decoded(form), config.num_hidden_layers * row.bytes)


def report(line: Line, read: TokenBytes, machine: dict[str, Any], arguments: Namespace) -> dict[str, Any]:
    names = ["decode_ms", "prefill_tok_s", "ttft_ms", "peer_decode_ms", "peer_prefill_tok_s", "peer_ttft_ms"]
    names += ["ik_decode_ms", "ik_prefill_tok_s"] if arguments.ik else []
    figures = {name: line.median(name) for name in names}
    if busy_ms := line.median("busy_decode_ms"):
        figures |= {"busy_decode_ms": busy_ms, "busy_ratio": round(busy_ms / float(figures["decode_ms"] or 0), 2)}
    dram_bytes_per_s = statistics.median(line.samples["dram_bytes_per_s"])
    pages_bytes = line.context * read.row
    speeds = {
        "weights_bytes_per_s": round(read.weights / float(figures["decode_ms"] or 0) * 1000),
        "dram_bytes_per_s": round(dram_bytes_per_s),
        "pages_bytes": pages_bytes,
        "read_ms": round((read.weights + pages_bytes) / dram_bytes_per_s * 1000, 3),
    }
    return {"model": line.model.name, "form": line.form, "context": line.context, **figures, **speeds, **machine}


def run(arguments: Namespace) -> Iterator[dict[str, Any]]:
    files, threads = ModelFiles(arguments.models), arguments.threads or physical_cores()
    llama_cpp = LlamaCpp(arguments.llama_cpp, threads) if arguments.llama_cpp else None
    ik = IkLlamaCpp(arguments.ik, threads, arguments.ik_flash_attention) if arguments.ik else None
    machine = describe_machine(threads)
    for name, form in itertools.product(arguments.only, arguments.forms):
        model = MODELS[name]
        contexts = [context for context in model.contexts if context in (arguments.contexts or model.contexts)]
        folder = files.folder(model)
        peers = Peers(llama_cpp, ik, files.gguf(model, form, arguments.llama_cpp)) if llama_cpp else None
        read = token_bytes(folder, form)
        engine = OurEngine(folder, form, arguments.threads)
        for context in contexts:
            line = Line(model, form, context)
            for _ in range(arguments.rounds or max(1, min(ROUNDS, ROUNDS_TOKENS // context))):
                with ReadingLoop(threads) as memory:
                    measure_ours(engine, line, memory, beside_busy=arguments.beside_busy)
                if peers:
                    measure_peers(peers, line)
            yield report(line, read, machine, arguments)
        engine.close()
        del engine
        gc.collect()


def describe_machine(threads: int) -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    words = set(info.read_text().split()) if info.exists() else set()
    return {"cpu": processor_name(), "cores": threads, "isa": [name for name in ISA if name in words]}


def main() -> int:
    parser = argparse.ArgumentParser("benchmarks.engine", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=Path, required=True, metavar="FOLDER", help="the folder of the GGUF files")
    parser.add_argument("--llama-cpp", type=Path, metavar="FOLDER", help="llama.cpp's programs; default: no peer")
    parser.add_argument("--ik", type=Path, metavar="FOLDER", help="ik_llama.cpp, the second peer")
    parser.add_argument("--ik-flash-attention", action="store_true", help="that build has flash attention")
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--contexts", nargs="+", type=int, metavar="TOKENS", help="default: all of the model")
    parser.add_argument("--rounds", type=int, help="default: 3 for a short context, 1 for a long one")
    parser.add_argument("--threads", type=int, help="default: a thread for each core, and our engine's own choice")
    parser.add_argument("--beside-busy", action="store_true", help="decode also while a program keeps all cores busy")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.ik and not arguments.llama_cpp:
        parser.error("--ik needs --llama-cpp, whose llama-quantize makes its models")
    try:
        for figures in run(arguments):
            words = "  ".join(f"{name} {value}" for name, value in figures.items())
            print(json.dumps(figures) if arguments.json else words, flush=True)
    except MidspanError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
