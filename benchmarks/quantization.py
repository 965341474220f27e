"""The cost of int8 and int4 in precision, and their savings: each form of one model beside its wide weights.

The prompts are holes in Python's standard library. The tokens of the hole are scored: the KL divergence of the
predictions from those of the wide weights, and how often the likeliest token is the same.
"""

import argparse
import gc
import json
import random
import shutil
import statistics
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor

from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.calibration import run_over_code
from inference.loader import load_model, wanted_tensors
from inference.models.architecture import parse_config
from inference.models.batch import Work, pack_batch
from inference.models.config_json import read_config_json
from inference.models.decoder import Decoder
from inference.models.description import read_family
from inference.prompts.prompt import build_fim_prompt
from inference.prompts.tokenizer import Tokenizer
from inference.weights.checkpoint import stored_dtype
from inference.weights.matrix import Quant
from inference.weights.quantized_copy import QuantizedCopy

CPU = torch.device("cpu")
FORMS: tuple[Quant, ...] = ("wide", "int8", "int4")
PREFIX_CHARACTERS, MIDDLE_CHARACTERS, SUFFIX_CHARACTERS = 600, 60, 200
DECODED_TOKENS = 32


@dataclass(frozen=True)
class Scored:
    """A prompt with the tokens that follow it, which are scored."""

    prompt: tuple[int, ...]
    middle: tuple[int, ...]


@dataclass(frozen=True)
class Figures:
    quant: str
    bytes: int  # on disk
    memory_bytes: int  # all tensors of the loaded model
    kl: float  # nats a token
    top1: float
    decode_tok_s: float
    load_s: float
    make_s: float  # the time to make and keep the form, once


class Runner:
    """A form of the model with a cache for one sequence."""

    def __init__(self, model: Decoder, dtype: torch.dtype, tokens: int) -> None:
        self._model = model
        self._pages = list(range(tokens // PAGE_TOKENS + 1))
        width = model.config.page_width
        self._memory = allocate_memory(len(model.layers), len(self._pages), width, dtype, CPU)

    def logits(self, tokens: Sequence[int], start: int, rows: int) -> Tensor:
        """The logits of the last `rows` of `tokens`; the cache holds the tokens before `start`."""
        batch = pack_batch([Work(tokens[start:], start, self._pages, 1)], CPU)
        new_tokens = len(tokens) - start
        return self._model.forward(replace(batch, logit_rows=torch.arange(new_tokens - rows, new_tokens)), self._memory)

    def decode_s(self, tokens: Sequence[int]) -> list[float]:
        """The seconds of each of several decoding steps of one token."""
        self.logits(tokens, 0, 1)
        seconds, tokens = [], list(tokens)
        for _ in range(DECODED_TOKENS):
            tokens.append(0)
            started_s = perf_counter()
            self.logits(tokens, len(tokens) - 1, 1)
            seconds.append(perf_counter() - started_s)
        return seconds


def holes(tokenizer: Tokenizer, count: int, seed: int) -> Iterator[Scored]:
    """Holes in files of the standard library, at random places."""
    rng = random.Random(seed)
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    while count:
        text = rng.choice(files).read_text(encoding="utf-8")
        if len(text) < PREFIX_CHARACTERS + MIDDLE_CHARACTERS + SUFFIX_CHARACTERS:
            continue
        at = rng.randrange(PREFIX_CHARACTERS, len(text) - MIDDLE_CHARACTERS - SUFFIX_CHARACTERS)
        end = at + MIDDLE_CHARACTERS
        prompt = build_fim_prompt(
            tokenizer, "psm", "", text[at - PREFIX_CHARACTERS : at], text[end : end + SUFFIX_CHARACTERS]
        )
        yield Scored(prompt, tuple(tokenizer.encode(text[at:end])))
        count -= 1


def tensor_bytes() -> int:
    """The bytes of every CPU tensor in the process; views that begin at the same address count once."""
    sizes: dict[int, int] = {}
    for found in gc.get_objects():
        if issubclass(type(found), Tensor) and found.device.type == "cpu":  # isinstance wakes torch's lazy objects
            sizes[found.data_ptr()] = max(found.nbytes, sizes.get(found.data_ptr(), 0))
    return sum(sizes.values())


@dataclass(frozen=True)
class Loaded:
    runner: Runner
    disk_bytes: int
    memory_bytes: int
    load_s: float
    make_s: float


def load(folder: Path, tokenizer: Tokenizer, quant: Quant, longest_tokens: int) -> Loaded:
    """Make the form anew, then load its copy from the disk, as every later start does."""
    raw_config = read_config_json(folder)
    config = parse_config(raw_config, folder / "config.json")
    dtype = stored_dtype(folder)
    weights, make_s = folder, 0.0
    if quant != "wide":
        copy = QuantizedCopy(folder, quant, wanted_tensors(config), dtype, run_over_code(config, tokenizer))
        shutil.rmtree(copy.folder, ignore_errors=True)
        started_s = perf_counter()
        if not copy.make():
            raise SystemExit(f"there is no room to keep {copy.folder}")
        weights, make_s = copy.folder, perf_counter() - started_s
    before_bytes = tensor_bytes()
    started_s = perf_counter()
    model = load_model(weights, config, dtype, CPU)
    load_s = perf_counter() - started_s
    memory_bytes = tensor_bytes() - before_bytes
    disk_bytes = sum(file.stat().st_size for file in weights.glob("*.safetensors"))
    return Loaded(Runner(model, dtype, longest_tokens), disk_bytes, memory_bytes, load_s, make_s)


@dataclass
class Agreement:
    """The agreement of one form with the wide weights, for each scored token."""

    divergences: list[float] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)

    def add(self, expected: Tensor, got: Tensor) -> None:
        """Add log probabilities [T, vocabulary]."""
        self.divergences += (expected.exp() * (expected - got)).sum(-1).tolist()
        self.same += (expected.argmax(-1) == got.argmax(-1)).tolist()


def compare(scored: Sequence[Scored], loaded: Mapping[Quant, Loaded]) -> dict[Quant, Agreement]:
    agreements = {quant: Agreement() for quant in loaded}
    for hole in scored:
        # The last token predicts the text after the middle.
        tokens, rows = [*hole.prompt, *hole.middle], len(hole.middle) + 1
        expected = loaded["wide"].runner.logits(tokens, 0, rows).log_softmax(-1)
        agreements["wide"].add(expected, expected)
        for quant in FORMS[1:]:
            agreements[quant].add(expected, loaded[quant].runner.logits(tokens, 0, rows).log_softmax(-1))
    return agreements


def measure(folder: Path, prompts: int, seed: int) -> list[Figures]:
    tokenizer = Tokenizer(folder, read_family(folder))
    scored = list(holes(tokenizer, prompts, seed))
    longest_tokens = max(len(hole.prompt) + len(hole.middle) for hole in scored) + DECODED_TOKENS
    loaded = {quant: load(folder, tokenizer, quant, longest_tokens) for quant in FORMS}
    steps_s: dict[Quant, list[float]] = {quant: [] for quant in FORMS}
    for hole in scored[:3]:  # in turns, so that other work on the machine slows all of them
        for quant, form in loaded.items():
            steps_s[quant] += form.runner.decode_s(hole.prompt)
    figures = []
    agreements = compare(scored, loaded)
    for quant, form in loaded.items():
        kl, top1 = statistics.mean(agreements[quant].divergences), statistics.mean(agreements[quant].same)
        figures.append(
            Figures(
                quant=str(stored_dtype(folder)).removeprefix("torch.") if quant == "wide" else quant,
                bytes=form.disk_bytes,
                memory_bytes=form.memory_bytes,
                kl=round(kl, 5),
                top1=round(top1, 4),
                decode_tok_s=round(1 / statistics.median(steps_s[quant]), 1),
                load_s=round(form.load_s, 2),
                make_s=round(form.make_s, 1),
            )
        )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a model folder with wide weights")
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="threads of torch (default: its own choice)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with torch.inference_mode():
        figures = measure(arguments.model, arguments.prompts, arguments.seed)
    for row in figures:
        print(json.dumps(asdict(row)) if arguments.json else "  ".join(f"{k} {v}" for k, v in asdict(row).items()))


if __name__ == "__main__":
    main()
