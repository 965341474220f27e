"""Greedy fills by the trainable model, and its exact match on held-out lines.

    python -m training.experiments.infill --run stable

The check has no cache and is slow: it tests checkpoints, not the engine.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch

from training.corpus.files import SourceFile, load_files
from training.corpus.tokenizer import TextEncoder, load_run_encoder
from training.documents.fim import Budget, FimText, encode_fim
from training.documents.holes import choose_hole, skip_prose
from training.documents.related import title_of
from training.model.checkpoints import newest_checkpoint, run_folder
from training.model.deepseek_v2 import Model
from training.release.export import load_trained


@dataclass(frozen=True)
class Fill:
    """A hole: the text before it, the middle, the model's text, and whether the model stopped by itself."""

    before: str
    wanted: str
    written: str
    stopped: bool


@torch.no_grad()
def fill_hole(model: Model, encoder: TextEncoder, prompt: list[int], most_tokens: int) -> tuple[str, bool]:
    """Greedy text after the prompt, and whether it ended with EOS within `most_tokens`."""
    written: list[int] = []
    while len(written) < most_tokens:
        logits = model.logits(torch.tensor([prompt + written]))[0, -1]
        token = int(logits.argmax())
        if token >= encoder.bos:
            return encoder.decode(written), token == encoder.eos
        written.append(token)
    return encoder.decode(written), False


def draw_line_holes(packages: list[list[SourceFile]], count: int, seed: int) -> list[tuple[str, FimText]]:
    """Holes that end within their line and hold at least three characters, one a file drawn."""
    rng = Random(seed)
    files = [file for package in packages for file in package]
    holes: list[tuple[str, FimText]] = []
    while len(holes) < count:
        file = rng.choice(files)
        near = skip_prose(file.path, file.text, rng.randrange(len(file.text) - 1))
        hole = choose_hole(file.text, near, rng)
        middle = file.text[hole.start : hole.end]
        if "\n" not in middle and 3 <= len(middle.strip()) <= 60:
            prefix = file.text[max(0, file.text.rfind("\n", 0, max(0, hole.start - 1200)) + 1) :]
            prefix = prefix[: len(prefix) - len(file.text) + hole.start]
            suffix = file.text[hole.end : hole.end + 200]
            holes.append((middle, FimText("", title_of(file.path), prefix, "", suffix)))
    return holes


def fill_lines(
    model: Model, encoder: TextEncoder, packages: list[list[SourceFile]], count: int, seed: int
) -> list[Fill]:
    """Fill `count` held-out holes in lines, half PSM and half SPM."""
    fills = []
    for number, (wanted, text) in enumerate(draw_line_holes(packages, count, seed)):
        prompt = encode_fim(encoder, text, Budget(480, 48, 0.0), spm=number % 2 == 1)
        assert prompt is not None  # an empty middle always fits
        written, stopped = fill_hole(model, encoder, prompt[:-1], 24)
        fills.append(Fill(text.prefix[-70:], wanted, written, stopped))
    return fills


def main() -> None:
    """Command line of the check."""
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", help="this run's newest checkpoint")
    which.add_argument("--checkpoint", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--show", type=int, default=10)
    arguments = parser.parse_args()
    checkpoint = arguments.checkpoint or newest_checkpoint(run_folder(arguments.run))
    if checkpoint is None:
        raise SystemExit(f"run {arguments.run!r} has no checkpoint")
    model, progress = load_trained(checkpoint, torch.bfloat16)
    fills = fill_lines(model, load_run_encoder(checkpoint.parent), load_files("held_out"), arguments.count, seed=3)
    for fill in fills[: arguments.show]:
        print(f"…{fill.before}⟦{fill.written}⟧  wanted ⟦{fill.wanted}⟧")
    exact = sum(fill.written == fill.wanted for fill in fills) / len(fills)
    stopped = sum(fill.stopped for fill in fills) / len(fills)
    print(f"step {progress.step}: exact match {exact:.1%}, stopped by itself {stopped:.1%}")


if __name__ == "__main__":
    main()
