"""A comparison with llama.cpp on one GGUF file: greedy replies to real fill-in-the-middle prompts.

    python -m benchmarks.llama_cpp_parity MODEL.gguf --llama-cpp FOLDER [--prompts 20] [--dtype float32] [--json]

Both run the same weights in one type: llama-quantize widens the file, Midspan imports it with that --dtype. Where the
replies part, the logit gap between the two tokens tells a rounding tie from an error. Prompts are cut out of Python's
own library. FOLDER holds llama-server and llama-quantize; the disk needs five times the model's size.
"""

import argparse
import json
import random
import subprocess
import sys
import sysconfig
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import torch
from torch import Tensor

from benchmarks.peers.llama_server import llama_server
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.loader import load_model
from inference.models.architecture import parse_config
from inference.models.batch import Work, pack_batch
from inference.models.config_json import read_config_json
from inference.models.description import read_family
from inference.prompts.prompt import build_fim_prompt
from inference.prompts.tokenizer import Tokenizer
from inference.store.import_model import import_model
from inference.store.model_store import ModelStore
from midspan import MidspanError, ModelError

PREFIX_LINES, SUFFIX_LINES = 24, 8
LIKELY_TOKENS = 10  # llama-server names so many with each token
SEED = 20
DTYPES = {"float32": "F32", "bfloat16": "BF16"}  # torch's name -> llama-quantize's


@dataclass(frozen=True)
class Comparison:
    """Two replies whose first `equal_tokens` are equal, and each side's gap between the two tokens after them.

    A gap is the logit of a side's own token less that of the other side's; None: the replies are equal, or llama.cpp
    does not name our token among its likely tokens.
    """

    place: str
    prompt_tokens: int
    equal_tokens: int
    reply_tokens: int
    ours: str | None = None
    theirs: str | None = None
    our_gap: float | None = None
    their_gap: float | None = None


@dataclass(frozen=True)
class Prompt:
    place: str
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """A token of llama.cpp's reply, with the log-probabilities of the likely tokens where llama.cpp gives them."""

    token: int
    logprobs: dict[int, float]


class OurModel:
    """The model without the engine, which would hide its logits."""

    def __init__(self, folder: Path, context_tokens: int, dtype: torch.dtype) -> None:
        self.config = parse_config(read_config_json(folder), folder / "config.json")
        self.model = load_model(folder, self.config, dtype, torch.device("cpu"))
        pages = context_tokens // PAGE_TOKENS + 1
        self._memory = allocate_memory(
            self.config.num_hidden_layers, pages, self.config.page_width, dtype, torch.device("cpu")
        )

    def last_logits(self, tokens: Sequence[int], start: int) -> Tensor:
        """The logits after all of `tokens`, of which `start` have been seen already."""
        work = Work(tokens[start:], start, list(range(self._memory.shape[1])), 1)
        logits: Tensor = self.model.forward(pack_batch([work], torch.device("cpu")), self._memory)[-1].float()
        return logits

    def reply(self, prompt: Sequence[int], count: int, ends: frozenset[int]) -> tuple[list[int], list[Tensor]]:
        """Greedy tokens, up to an end, and the logits that each was chosen from."""
        tokens, seen = list(prompt), 0
        logits: list[Tensor] = []
        while len(logits) < count and (not logits or tokens[-1] not in ends):
            logits.append(self.last_logits(tokens, seen))
            seen = len(tokens)
            tokens.append(int(logits[-1].argmax()))
        return tokens[len(prompt) :], logits


def prompts_of_the_library(tokenizer: Tokenizer, count: int) -> list[Prompt]:
    """Holes that begin in the middle of a line, at places that a seed chooses."""
    generator = random.Random(SEED)
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    prompts: list[Prompt] = []
    while len(prompts) < count:
        path = generator.choice(files)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if len(lines) <= PREFIX_LINES + SUFFIX_LINES:
            continue
        row = generator.randrange(PREFIX_LINES, len(lines) - SUFFIX_LINES)
        if len(lines[row].strip()) < 8:
            continue
        column = generator.randrange(len(lines[row]) // 2, len(lines[row]) - 1)
        prefix = "".join(lines[row - PREFIX_LINES : row]) + lines[row][:column]
        suffix = "".join(lines[row + 1 : row + 1 + SUFFIX_LINES])
        tokens = build_fim_prompt(tokenizer, "psm", "", prefix, suffix)
        prompts.append(Prompt(f"{path.name}:{row + 1}:{column + 1}", tokens))
    return prompts


def exact_options(context_tokens: int) -> list[object]:
    """Return the options of llama-server for a cache in float32, with no repacked weights."""
    exact = ["-ctk", "f32", "-ctv", "f32", "-fa", "off", "--no-repack", "--no-warmup"]
    return ["-c", context_tokens, "-t", torch.get_num_threads(), *exact]


def reply_of_llama_cpp(address: str, prompt: Sequence[int], count: int) -> list[Step]:
    request = {
        "prompt": list(prompt),
        "n_predict": count,
        "temperature": 0,
        "n_probs": LIKELY_TOKENS,
        "cache_prompt": False,
        "samplers": ["temperature"],
        "return_tokens": True,
    }
    answer = httpx2.post(f"{address}/completion", json=request, timeout=600)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    tokens: list[int] = found["tokens"]
    steps: list[dict[str, Any]] = found["completion_probabilities"]
    if len(steps) != len(tokens):  # a token that ends inside a character has no step, so steps and tokens do not match
        return [Step(token, {}) for token in tokens]
    return [Step(step["id"], {top["id"]: top["logprob"] for top in step["top_logprobs"]}) for step in steps]


def compare(model: OurModel, tokenizer: Tokenizer, prompt: Prompt, theirs: list[Step], count: int) -> Comparison:
    ours, logits = model.reply(prompt.tokens, count, tokenizer.sentinels.ends)
    ours = [token for token in ours if token not in tokenizer.sentinels.ends]
    their_tokens = [step.token for step in theirs if step.token not in tokenizer.sentinels.ends]
    equal = 0
    while equal < min(len(ours), len(their_tokens)) and ours[equal] == their_tokens[equal]:
        equal += 1
    result = Comparison(prompt.place, len(prompt.tokens), equal, len(ours))
    if equal == len(ours) == len(their_tokens):
        return result
    our_token = int(logits[equal].argmax())
    step = theirs[equal]
    their_gap = step.logprobs[step.token] - step.logprobs[our_token] if our_token in step.logprobs else None
    return replace(
        result,
        ours=tokenizer.decode([our_token]),
        theirs=tokenizer.decode([step.token]),
        our_gap=float(logits[equal][our_token] - logits[equal][step.token]),
        their_gap=their_gap,
    )


def run(arguments: Namespace) -> list[Comparison]:
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        wide = Path(scratch) / "wide.gguf"
        widen = [
            arguments.llama_cpp / "llama-quantize",
            "--allow-requantize",
            arguments.model,
            wide,
            DTYPES[arguments.dtype],
        ]
        done = subprocess.run(list(map(str, widen)), capture_output=True, text=True, check=False)
        if done.returncode:
            raise ModelError(f"llama-quantize cannot widen {arguments.model}: {done.stderr[-500:]}")
        folder = import_model(ModelStore(Path(scratch)), arguments.model, "imported", arguments.dtype)
        tokenizer = Tokenizer(folder, read_family(folder))
        prompts = prompts_of_the_library(tokenizer, arguments.prompts)
        context_tokens = max(len(prompt.tokens) for prompt in prompts) + arguments.tokens + PAGE_TOKENS
        with llama_server(arguments.llama_cpp, wide, exact_options(context_tokens)) as address:
            theirs = [reply_of_llama_cpp(address, prompt.tokens, arguments.tokens) for prompt in prompts]
        model = OurModel(folder, context_tokens, getattr(torch, arguments.dtype))
        with torch.inference_mode():
            return [
                compare(model, tokenizer, prompt, steps, arguments.tokens)
                for prompt, steps in zip(prompts, theirs, strict=True)
            ]


def in_words(comparisons: Sequence[Comparison]) -> str:
    lines = []
    for found in comparisons:
        line = (
            f"{found.place:34} {found.prompt_tokens:5} tokens, {found.equal_tokens:3} of {found.reply_tokens:3} equal"
        )
        if found.our_gap is not None:
            their_gap = "?" if found.their_gap is None else f"{found.their_gap:.5f}"
            line += f"; then {found.ours!r} here (gap {found.our_gap:.5f}), {found.theirs!r} there (gap {their_gap})"
        lines.append(line)
    equal = sum(found.our_gap is None for found in comparisons)
    return "\n".join([*lines, f"{equal} of {len(comparisons)} replies are equal."])


def main() -> int:
    parser = argparse.ArgumentParser("benchmarks.llama_cpp_parity", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, metavar="MODEL.gguf")
    parser.add_argument("--llama-cpp", type=Path, required=True, metavar="FOLDER", help="the folder of llama-server")
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=32, help="tokens of each reply")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="the type of the weights on both sides")
    parser.add_argument("--scratch", type=Path, metavar="FOLDER", help="a folder for the widened weights")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        comparisons = run(arguments)
    except MidspanError as error:
        print(error, file=sys.stderr)
        return 1
    output = json.dumps([asdict(found) for found in comparisons], indent=2) if arguments.json else in_words(comparisons)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
