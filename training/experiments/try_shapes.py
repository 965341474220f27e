"""A comparison of shapes: each is trained from random weights for the same seconds of one core.

    nice -n 5 python -m training.experiments.try_shapes --out FOLDER            # continues after an interruption
    python -m training.experiments.try_shapes --out FOLDER --only present dense-512 --seconds 60
    python -m training.experiments.try_shapes --out FOLDER --table              # prints the results so far

Seconds are the processor's, of training steps alone: compiling does not count. The shapes take turns, step by step,
so that other work on the machine slows all of them alike. The rate falls to 0 at the end of each run.
"""

import argparse
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from training.corpus.files import load_files
from training.corpus.pack import Corpus
from training.corpus.tokenizer import TextEncoder, learn_tokenizer, load_encoder, sample_texts
from training.documents.document_source import DocumentSource
from training.experiments.held_out import draw_held_out, measure_bits
from training.model.checkpoints import newest_checkpoint
from training.model.shape import ModelShape
from training.run.schedule import Limit
from training.run.settings import TrainSettings
from training.run.train import Trainer

RESULTS_FILE = "results.jsonl"
SECONDS = 180.0
# In runs this short, steps are scarce: half of the recipe's tokens a step and a fourth of its warm-up.
BATCH_TOKENS = 4096
WARMUP_STEPS = 10
SEQUENCE_TOKENS = 1024
PLAIN_DOCUMENTS, HOLE_DOCUMENTS = 64, 128


@dataclass(frozen=True)
class Candidate:
    """A shape to try. `name` stands in the table."""

    name: str
    shape: ModelShape = field(default_factory=ModelShape)
    sequence_tokens: int = SEQUENCE_TOKENS
    seed: int = 1


def _dense(width: int) -> ModelShape:
    layers = ModelShape.num_hidden_layers
    return ModelShape(first_k_dense_replace=layers, intermediate_size=width)


def _wide(heads: int) -> ModelShape:
    """Every width in proportion to the heads, of 64 each."""
    wide = 64 * heads
    return ModelShape(
        hidden_size=wide,
        num_attention_heads=heads,
        kv_lora_rank=wide // 2,
        moe_intermediate_size=wide,
        intermediate_size=3 * wide,
    )


# The second seed shows how much two runs of one shape differ.
CANDIDATES = (
    Candidate("present"),
    Candidate("dense-512", _dense(512)),
    Candidate("dense-1024", _dense(1024)),
    Candidate("experts-8-top-2", ModelShape(n_routed_experts=8, num_experts_per_tok=2)),
    Candidate("hidden-384", _wide(6)),
    Candidate("hidden-192", _wide(3)),
    Candidate("vocabulary-16384", ModelShape(vocab_size=16384)),
    Candidate("vocabulary-4096", ModelShape(vocab_size=4096)),
    Candidate("layers-3", ModelShape(num_hidden_layers=3)),
    Candidate("present-seed-2", seed=2),
    Candidate("layers-8", ModelShape(num_hidden_layers=8)),
    Candidate("sequence-512", sequence_tokens=512),
    Candidate("sequence-2048", sequence_tokens=2048),
)


def count_parameters(shape: ModelShape, total: int) -> tuple[int, int]:
    """Count the parameters: all, and those at work on a token. `total` is the former."""
    expert = 3 * shape.hidden_size * shape.moe_intermediate_size
    idle = (shape.n_routed_experts - shape.num_experts_per_tok) * expert
    return total, total - idle * max(0, shape.num_hidden_layers - shape.first_k_dense_replace)


def make_trainer(candidate: Candidate, corpus: Corpus, seconds: float) -> Trainer:
    """A run from random weights that ends after so many processor seconds."""
    settings = TrainSettings(
        sequence_tokens=candidate.sequence_tokens,
        batch_tokens=BATCH_TOKENS,
        seed=candidate.seed,
        warmup_steps=WARMUP_STEPS,
        decays=True,
        limit=Limit(minutes=seconds / 60),
    )
    source = DocumentSource(corpus.train, corpus.encoder, settings.sequence_tokens, settings.seed, settings.fim_rate)
    return Trainer(candidate.shape, settings, source, compiled=True, clock=time.process_time)


def train_in_turns(trainers: Mapping[Path, Trainer]) -> None:
    """Let the trainer with the least time take the next step, until all are at their limits; save checkpoints."""
    saved_at = time.monotonic()
    while waiting := [t for t in trainers.values() if t.settings.limit.share_done(t.progress) < 1.0]:
        min(waiting, key=lambda trainer: trainer.progress.run_seconds).step()
        if time.monotonic() - saved_at > TrainSettings.save_every_s:
            _save(trainers)
            saved_at = time.monotonic()
    _save(trainers)


def _save(trainers: Mapping[Path, Trainer]) -> None:
    for folder, trainer in trainers.items():
        trainer.save(folder)


def describe_run(candidate: Candidate, trainer: Trainer) -> dict[str, Any]:
    """The candidate's result but for its losses."""
    progress = trainer.progress
    total, active = count_parameters(candidate.shape, sum(p.numel() for p in trainer.model.parameters()))
    return {
        **asdict(candidate),
        "parameters": total,
        "active_parameters": active,
        "steps": progress.run_steps,
        "tokens": progress.run_tokens,
        "processor_s": progress.run_seconds,
        # The first step compiles: neither its seconds nor its tokens count.
        "tokens_per_s": (progress.run_tokens - trainer.settings.batch_tokens) / progress.run_seconds,
    }


def load_encoder_of(vocabulary_tokens: int, folder: Path) -> TextEncoder:
    """The corpus's own encoder, or one of another size, which is learned once and kept in the folder."""
    own = load_encoder()
    if own.vocabulary_tokens == vocabulary_tokens:
        return own
    path = folder / f"tokenizer-{vocabulary_tokens}.json"
    if not path.is_file():
        learn_tokenizer(sample_texts(), vocabulary_tokens).save(str(path))
    return TextEncoder(Tokenizer.from_file(str(path)))


def read_results(folder: Path) -> list[dict[str, Any]]:
    """The results so far."""
    path = folder / RESULTS_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def to_table(results: Iterable[dict[str, Any]]) -> str:
    """The results in Markdown."""
    lines = [
        "| shape | parameters | at work | tokens | tok/s | plain | with a hole | middle |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in results:
        lines.append(
            f"| {one['name']} | {one['parameters'] / 1e6:.1f}M | {one['active_parameters'] / 1e6:.1f}M "
            f"| {one['tokens'] / 1000:.0f}K | {one['tokens_per_s']:,.0f} | {one['plain']:.3f} | {one['fim']:.3f} "
            f"| {one['middle']:.3f} |"
        )
    return "\n".join(lines)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder for results and tokenizers")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="seconds of one core for each shape")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=[c.name for c in CANDIDATES], help="try only these"
    )
    parser.add_argument("--table", action="store_true", help="only print the results so far")
    return parser.parse_args()


def main() -> None:
    """Command line of the comparison."""
    arguments = read_arguments()
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    if not arguments.table:
        torch.set_num_threads(1)
        measure(folder, arguments.only or [candidate.name for candidate in CANDIDATES], arguments.seconds)
    print(to_table(read_results(folder)))


def measure(folder: Path, names: Sequence[str], seconds: float) -> None:
    """Try the named candidates that have no result yet."""
    done = {one["name"] for one in read_results(folder)}
    own = Corpus(load_files("train"), load_files("held_out"), load_encoder())
    documents = [
        draw_held_out(own.held_out, own.encoder, SEQUENCE_TOKENS, count, fim_rate)
        for count, fim_rate in ((PLAIN_DOCUMENTS, 0.0), (HOLE_DOCUMENTS, 1.0))
    ]
    wanted = [one for one in CANDIDATES if one.name in names and one.name not in done]
    # The candidates are variants of the same code; past the default limit the rest would run uncompiled.
    torch._dynamo.config.recompile_limit = 8 * len(CANDIDATES)
    trainers = {}
    for candidate in wanted:
        corpus = replace(own, encoder=load_encoder_of(candidate.shape.vocab_size, folder))
        trainer = make_trainer(candidate, corpus, seconds)
        checkpoint = newest_checkpoint(folder / candidate.name)
        if checkpoint:
            trainer.resume(checkpoint, as_branch=False)
        trainers[folder / candidate.name] = trainer
    train_in_turns(trainers)
    for candidate, trainer in zip(wanted, trainers.values(), strict=True):
        bits = measure_bits(trainer.model, trainer.source.encoder, *documents)
        with (folder / RESULTS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(describe_run(candidate, trainer) | asdict(bits)) + "\n")


if __name__ == "__main__":
    main()
