"""The resident memory of a load, and of 10,000 decoded tokens.

A process loads the built-in model first, so that what torch and the engine's modules take is in `before_bytes`. Then it
loads the model that is measured, with no quantized copy on the disk ("made") or with the copy of the start before
("mapped"). A load should take no more than its result and one tensor, and the tokens should leave it so.

    result_bytes         the model's weights, as their files have them
    largest_bytes        the largest tensor of the model's own files
    peak_bytes           the most that the load took, beyond `before_bytes`
    loaded_bytes         what it takes when it is done: pages of a mapped file count once they are read
    growth_bytes         what the last nine tenths of the tokens added
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psutil
from safetensors import safe_open

from inference.api import EngineSettings, Request, Update
from inference.heap import release_memory
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt
from inference.weights.shards import find_shards
from midspan import ModelError

PROMPT_TOKENS, NEW_TOKENS = 64, 500


def resident_bytes() -> int:
    """Return the resident memory without what the allocator holds for later."""
    release_memory()
    return int(psutil.Process().memory_info().rss)


def reset_peak() -> None:
    """Let `peak_bytes` begin anew; only Linux can."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_bytes() -> int:
    """Return the most resident memory since `reset_peak`."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def largest_tensor_bytes(folder: Path) -> int:
    """Return the size of the largest tensor of a model's folder."""
    largest = 0
    for name, _ in find_shards(folder):
        with safe_open(folder / name, framework="pt") as file:
            sizes = (file.get_tensor(tensor).nbytes for tensor in file.keys())  # noqa: SIM118 it is no dictionary
            largest = max(largest, *sizes)
    return largest


def decode(engine: LocalEngine, new_tokens: int) -> int:
    """Decode so many tokens at most, and return how many they were."""
    updates: SimpleQueue[Update] = SimpleQueue()
    prompt = TokenPrompt(tuple(range(100, 100 + PROMPT_TOKENS)))
    engine.submit(Request(prompt, new_tokens), updates.put)
    while (trace := (update := updates.get()).trace) is None:
        pass
    if update.error is not None:
        raise update.error
    if trace.decode_tokens == 0:
        raise ModelError("The model ends at once, so there are no tokens to decode.")
    return trace.decode_tokens


def run(settings: EngineSettings, tokens: int) -> dict[str, Any]:
    """Load the model in this process and decode; return the figures."""
    builtin = LocalEngine(EngineSettings())
    decode(builtin, 8)
    builtin.close()
    before = resident_bytes()
    reset_peak()
    engine = LocalEngine(settings)
    engine.ready.result()
    peak = peak_bytes()
    loaded = resident_bytes()
    figures: dict[str, Any] = {
        "quant": engine.stats().quant,
        "before_bytes": before,
        "result_bytes": engine.stats().weights_bytes,
        "peak_bytes": peak - before,
        "loaded_bytes": loaded - before,
    }
    done, curve = 0, []
    while done < tokens:
        done += decode(engine, NEW_TOKENS)
        curve.append((done, resident_bytes() - before))
    engine.close()
    if curve:
        first = next(size for count, size in curve if count >= tokens / 10)
        figures |= {"tokens": done, "growth_bytes": curve[-1][1] - first, "curve": curve}
    return figures


def starts(options: Namespace) -> dict[str, Any]:
    """Start twice, each time in a process of its own; only the second one decodes."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder}
        measured = []
        for tokens in (0, options.tokens):
            command = [sys.executable, "-m", "benchmarks.native.memory", "--in-process", "--model", str(options.model)]
            command += ["--quant", options.quant, "--tokens", str(tokens)]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
            measured.append(json.loads(done.stdout))
    return {"largest_bytes": largest_tensor_bytes(options.model), "made": measured[0], "mapped": measured[1]}


def main() -> None:
    parser = argparse.ArgumentParser(description="The resident memory of a load, and of many decoded tokens.")
    parser.add_argument("--model", type=Path, required=True, help="a model's folder")
    parser.add_argument("--quant", default="int4", help="the form of the weights")
    parser.add_argument("--tokens", type=int, default=10_000, help="the tokens to decode")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.in_process:
        print(json.dumps(run(EngineSettings(model=options.model, quant=options.quant), options.tokens)))
        return
    figures = starts(options)
    if options.json:
        print(json.dumps(figures))
        return
    print(f"largest tensor of the folder: {figures['largest_bytes'] / 1e6:.0f} MB")
    for start in ("made", "mapped"):
        measured = figures[start]
        print(
            f"{start}, {measured['quant']}: "
            + ", ".join(f"{name} {measured[f'{name}_bytes'] / 1e6:.0f} MB" for name in ("result", "peak", "loaded"))
        )
    last = figures["mapped"]
    if "tokens" in last:
        print(f"{last['tokens']:,} tokens: {last['growth_bytes'] / 1e6:+.1f} MB over the last nine tenths")


if __name__ == "__main__":
    main()
