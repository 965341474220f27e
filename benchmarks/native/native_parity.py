"""Greedy replies of the engine beside the torch model's on the same weights: where they part, and by what gap.

The engine runs as in the product. The torch model reads each reply at once and says which token it would have chosen
instead of each; the first such place is where its own greedy reply parts. Its gap is the logit of its own token less
that of the engine's: near zero it is a tie that rounding decides, and a gap beside `typical_gap`, the median distance
of its two likeliest tokens, is an error. Prompts are holes in Python's own library.
"""

import argparse
import json
import statistics
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.llama_cpp_parity import Prompt, prompts_of_the_library
from benchmarks.quantization import CPU, Runner
from inference.api import EngineSettings, Request
from inference.calibration import run_over_code
from inference.live_sequence import LiveSequence
from inference.loader import build_scheduler, wanted_tensors
from inference.models.decoder import Decoder
from inference.models.description import ModelDescription, read_description
from inference.models.load import load_decoder
from inference.prompts.prompt import TokenPrompt
from inference.prompts.text_stream import TextStream
from inference.prompts.tokenizer import Tokenizer
from inference.scheduler import Scheduler
from inference.weights.checkpoint import Checkpoint, stored_dtype
from inference.weights.default_form import DefaultForm
from inference.weights.quant_choice import find_weights
from midspan import MidspanError, ModelError

FORMS: tuple[DefaultForm, ...] = ("wide", "int8", "int4")


@dataclass(frozen=True)
class Reply:
    """A reply whose first `equal_tokens` are also the torch model's; `gap` None: all of them are."""

    place: str
    prompt_tokens: int
    reply_tokens: int
    equal_tokens: int
    typical_gap: float
    engine: str | None = None
    torch: str | None = None
    gap: float | None = None


def replies_of_the_engine(
    scheduler: Scheduler, tokenizer: Tokenizer, prompts: Sequence[Prompt], new_tokens: int, context_tokens: int
) -> Iterator[list[int]]:
    for prompt in prompts:
        request = Request(TokenPrompt(prompt.tokens), new_tokens)
        sequence = LiveSequence(request, lambda _update: None, TextStream(tokenizer), context_tokens)
        scheduler.add(sequence)
        while scheduler.live_count or scheduler.waiting_count:
            scheduler.step()
        yield sequence.tokens[len(prompt.tokens) :]


def compare(runner: Runner, tokenizer: Tokenizer, prompt: Prompt, reply: list[int], new_tokens: int) -> Reply:
    rows = min(len(reply) + 1, new_tokens)
    logits = runner.logits([*prompt.tokens, *reply[: rows - 1]], 0, rows)[:, : tokenizer.vocab_size]
    if len(reply) < rows:  # the engine ended it, by a control token that it does not hand out
        ends = sorted(tokenizer.sentinels.all)
        reply = [*reply, ends[int(logits[-1, ends].argmax())]]
    first, second = logits.topk(2, dim=-1).values.unbind(-1)
    chosen = logits.argmax(-1).tolist()
    equal = next((i for i, (ours, theirs) in enumerate(zip(reply, chosen, strict=True)) if ours != theirs), len(reply))
    typical_gap = float((first - second).median())
    if equal == len(reply):
        return Reply(prompt.place, len(prompt.tokens), len(reply), equal, typical_gap)
    ours, theirs = reply[equal], chosen[equal]
    return Reply(
        prompt.place,
        len(prompt.tokens),
        len(reply),
        equal,
        typical_gap,
        engine=tokenizer.decode([ours]) or "its end",
        torch=tokenizer.decode([theirs]) or "its end",
        gap=float(logits[equal, theirs] - logits[equal, ours]),
    )


def run(arguments: Namespace, form: DefaultForm) -> Iterator[Reply]:
    folder = arguments.model
    description = read_description(folder)
    tokenizer = Tokenizer(folder, description.family)
    prompts = prompts_of_the_library(tokenizer, arguments.prompts)
    longest = max(len(prompt.tokens) for prompt in prompts) + arguments.tokens
    setting = "none" if form == "wide" else form
    settings = EngineSettings(model=folder, quant=setting, dtype=arguments.dtype)
    scheduler = build_scheduler(folder, description.config, tokenizer, longest, settings)[0]
    replies = list(replies_of_the_engine(scheduler, tokenizer, prompts, arguments.tokens, longest))
    dtype = stored_dtype(folder) if arguments.dtype == "auto" else getattr(torch, arguments.dtype)
    runner = Runner(load_torch_model(folder, description, tokenizer, dtype, form), dtype, longest)
    for prompt, reply in zip(prompts, replies, strict=True):
        yield compare(runner, tokenizer, prompt, reply, arguments.tokens)


def load_torch_model(
    folder: Path, description: ModelDescription, tokenizer: Tokenizer, dtype: torch.dtype, form: DefaultForm
) -> Decoder:
    """Load the torch model with the codes of the native one: the search for them is deterministic."""
    config = description.config
    run_model, setting = run_over_code(config, tokenizer), "none" if form == "wide" else form
    weights, _, must_quantize = find_weights(folder, wanted_tensors(config), dtype, setting, run_model, lambda form: 0)
    if must_quantize:
        raise ModelError("there is no room for a copy of the weights; free some space")
    with Checkpoint(weights, dtype, CPU) as checkpoint:
        return load_decoder(config, checkpoint, CPU)


def in_words(reply: Reply) -> str:
    line = f"{reply.place:34} {reply.prompt_tokens:5} tokens, {reply.equal_tokens:3} of {reply.reply_tokens:3} equal"
    if reply.gap is None:
        return line
    return f"{line}; then {reply.engine!r}, and torch {reply.torch!r} by {reply.gap:.4f}"


def sum_up(form: DefaultForm, replies: Sequence[Reply]) -> str:
    gaps = [reply.gap for reply in replies if reply.gap is not None]
    typical = statistics.median(reply.typical_gap for reply in replies)
    largest = f"; the largest gap is {max(gaps):.4f}" if gaps else ""
    return f"{form}: {len(replies) - len(gaps)} of {len(replies)} replies are equal{largest} (typical {typical:.2f})"


def main() -> int:
    parser = argparse.ArgumentParser("benchmarks.native.native_parity", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, metavar="FOLDER", help="a folder with wide weights")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=32, help="tokens of each reply")
    parser.add_argument("--dtype", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        for form in arguments.forms:
            with torch.inference_mode():
                replies = list(run(arguments, form))
            for reply in replies:
                print(json.dumps({"form": form} | asdict(reply)) if arguments.json else in_words(reply))
            print(sum_up(form, replies), file=sys.stderr if arguments.json else sys.stdout)
    except MidspanError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
