"""The loss of a released model on documents longer than its training rows, by the place in the document.

    python -m training.experiments.long_context                     # the built-in model, without and with YaRN
    python -m training.experiments.long_context --model FOLDER      # another model

The documents are held-out packages, whole files in import order, each under its path comment. The table
also has the model as it is used: it sees only the nearest tokens, as many as its training rows had.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.quantization import CPU, Runner
from inference.loader import load_model
from inference.models.architecture import parse_config
from inference.models.config_json import read_config_json
from inference.models.deepseek_v2_config import DeepseekV2Config, YarnScaling
from inference.models.description import read_family
from inference.models.identity import parse_identity
from inference.weights.checkpoint import stored_dtype
from training.corpus.files import SourceFile, load_files
from training.corpus.tokenizer import TextEncoder
from training.documents.related import title_of
from training.experiments.held_out import bits_per_character
from training.model.released_format import BUILTIN, text_only_tokenizer

BOUNDS = (0, 1024, 2048, 4096, 6144, 8192)
YARN_FACTORS = (2.0, 4.0)


@dataclass(frozen=True)
class Released:
    """A model folder, opened for experiments."""

    folder: Path
    config: DeepseekV2Config
    context_tokens: int
    dtype: torch.dtype

    def runner(self, yarn: YarnScaling | None) -> Runner:
        """A runner of the weights with this YaRN, or as trained."""
        model = load_model(self.folder, replace(self.config, yarn=yarn), self.dtype, CPU)
        return Runner(model, self.dtype, BOUNDS[-1])

    def yarn(self, factor: float) -> YarnScaling:
        """YaRN from the trained context, with DeepSeek's ramp and the paper's temperature on whole scores."""
        return YarnScaling(factor, self.context_tokens, beta_fast=32, beta_slow=1, mscale=1, mscale_all_dim=1)


def open_released(folder: Path) -> Released:
    """Open a folder of DeepSeek-V2. Raises ModelError, and SystemExit for another architecture."""
    raw_config = read_config_json(folder)
    config = parse_config(raw_config, folder / "config.json")
    if not isinstance(config, DeepseekV2Config):
        raise SystemExit(f"{folder} is not a DeepSeek-V2")
    return Released(
        folder, config, parse_identity(raw_config, folder, read_family(folder)).context_tokens, stored_dtype(folder)
    )


def long_documents(packages: Sequence[Sequence[SourceFile]], encoder: TextEncoder, tokens: int) -> Iterator[list[int]]:
    """Documents of exactly `tokens` tokens; the packages take turns."""
    pieces = [list(_cut(package, encoder, tokens - 1)) for package in packages]
    for turn in range(max(len(documents) for documents in pieces)):
        for documents in pieces:
            if turn < len(documents):
                yield [encoder.bos, *documents[turn]]


def _cut(package: Sequence[SourceFile], encoder: TextEncoder, tokens: int) -> Iterator[list[int]]:
    ids = [one for file in package for one in encoder.encode(title_of(file.path) + file.text)]
    return (ids[start : start + tokens] for start in range(0, len(ids) - tokens + 1, tokens))


def _nats(runner: Runner, ids: Sequence[int]) -> Tensor:
    """The loss of each token but the first."""
    return F.cross_entropy(runner.logits(ids[:-1], 0, len(ids) - 1), torch.tensor(ids[1:]), reduction="none")


def nats_of_windows(runner: Runner, ids: Sequence[int], context_tokens: int) -> Tensor:
    """The loss of each token but the first, when the model sees half to all of its context before that token."""
    half = context_tokens // 2
    parts = [_nats(runner, ids[:context_tokens])]
    for start in range(context_tokens, len(ids), half):
        window = [ids[0], *ids[start - half + 1 : start + half]]
        parts.append(_nats(runner, window)[half - 1 :])
    return torch.cat(parts)


def by_place(
    documents: Sequence[Sequence[int]], encoder: TextEncoder, nats_of: Callable[[Sequence[int]], Tensor]
) -> list[float]:
    """Bits per character between each two neighbouring `BOUNDS`."""
    nats, characters = [0.0] * (len(BOUNDS) - 1), [0] * (len(BOUNDS) - 1)
    for ids in documents:
        losses = nats_of(ids)
        for place, (first, last) in enumerate(pairwise(BOUNDS)):
            first = max(first, 1)
            nats[place] += losses[first - 1 : last - 1].sum().item()
            characters[place] += len(encoder.decode(ids[first:last]))
    return [bits_per_character(*pair) for pair in zip(nats, characters, strict=True)]


def main() -> None:
    """Command line of the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUILTIN, help="a released folder (default: the built-in model)")
    parser.add_argument("--documents", type=int, default=24)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    released = open_released(arguments.model)
    encoder = TextEncoder(text_only_tokenizer(arguments.model))
    drawn = long_documents(load_files("held_out"), encoder, BOUNDS[-1])
    documents = [ids for ids, _ in zip(drawn, range(arguments.documents), strict=False)]
    print(f"| {released.context_tokens:,} tokens trained | " + " | ".join(f"to {b:,}" for b in BOUNDS[1:]) + " |")
    print("|---" * len(BOUNDS) + "|")
    plain = released.runner(None)
    ways: dict[str, Callable[[Sequence[int]], Tensor]] = {
        f"the nearest {released.context_tokens:,}": lambda ids: nats_of_windows(plain, ids, released.context_tokens),
        "all, rotated as trained": lambda ids: _nats(plain, ids),
    }
    for factor in YARN_FACTORS:
        runner = released.runner(released.yarn(factor))
        ways[f"all, YaRN {factor:g}"] = lambda ids, runner=runner: _nats(runner, ids)  # type: ignore[misc]
    with torch.inference_mode():
        for name, nats_of in ways.items():
            bits = by_place(documents, encoder, nats_of)
            print(f"| {name} | " + " | ".join(f"{one:.3f}" for one in bits) + " |", flush=True)


if __name__ == "__main__":
    main()
