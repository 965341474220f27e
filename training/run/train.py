"""The training of the built-in model; it resumes by default.

    python -m training                                   # the stable run, until stopped
    python -m training --background                      # the same, in a process that outlives this one
    python -m training --anew                            # a new run begins from random weights
    python -m training --run decayed --branch-from stable --decay --minutes 20 --sequence 1024
    python -m training --packed FILE --minutes 9         # without corpus and network: see training/corpus/pack.py

`PAUSE` in the run folder pauses it, SIGTERM checkpoints and ends it.
"""

import argparse
import dataclasses
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from training.corpus.build import write_corpus
from training.corpus.folders import corpus_folder
from training.corpus.pack import Corpus, load_corpus, read_packed
from training.corpus.tokenizer import save_encoder, tokenizer_path, write_tokenizer
from training.documents.document_source import DocumentSource, Rows
from training.model.checkpoints import Progress, load_checkpoint, newest_checkpoint, run_folder, save_checkpoint
from training.model.deepseek_v2 import Model
from training.model.gradients import Helpers, LossSettings, add_gradients, build_forward, make_board
from training.model.optimizer import OptimizerSettings, build_optimizers, set_rate
from training.model.released_format import BUILTIN, has_shape, load_release, text_only_tokenizer
from training.model.shape import ModelShape
from training.run.background import (
    OUTPUT_FILE,
    PAUSE_FILE,
    alone_in,
    start_in_background,
    wait_while_paused,
    yield_to_others,
)
from training.run.schedule import rate_factor
from training.run.settings import TrainSettings, settings_of
from training.run.validation import Validation


class Trainer:
    """A model, its optimizers and its place in the data; `step` moves all three."""

    def __init__(
        self,
        shape: ModelShape,
        settings: TrainSettings,
        source: DocumentSource,
        device: str = "cpu",
        compiled: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.shape, self.settings, self.source = shape, settings, source
        self.model = Model(shape).to(device)
        self.optimizers = build_optimizers(self.model, OptimizerSettings())
        rows = max(1, settings.micro_tokens // settings.sequence_tokens)
        rows = min(rows, max(1, settings.batch_tokens // settings.sequence_tokens))
        micro_batches = max(1, settings.batch_tokens // (settings.sequence_tokens * rows))
        self.board = make_board(micro_batches, rows, settings.sequence_tokens)
        self.loss_settings = LossSettings(settings.capacity_factor, settings.balance_weight, device, compiled)
        self.helpers = Helpers(self.model, self.board, self.loss_settings, settings.helpers)
        self.forward = build_forward(self.model, compiled)
        self.progress = Progress(sequence_tokens=settings.sequence_tokens)
        self._next: tuple[int, Rows] | None = None
        self._compiled, self._clock = not compiled, clock

    def resume(self, path: Path, as_branch: bool) -> None:
        """Continue from a checkpoint; a branch counts its own steps and time from zero."""
        loaded = load_checkpoint(path, self.model, self.optimizers)
        changes: dict[str, Any] = {"sequence_tokens": self.settings.sequence_tokens}
        if as_branch:
            changes |= {"run_steps": 0, "run_tokens": 0, "run_seconds": 0.0}
        self.progress = dataclasses.replace(loaded, **changes)

    def start_from(self, release: Path) -> None:
        """Continue from released weights where there is no checkpoint; the optimizers begin anew."""
        loaded = load_release(release, self.model)
        self.progress = Progress(
            loaded.step, loaded.tokens, loaded.next_document, sequence_tokens=self.settings.sequence_tokens
        )

    def _rows_from(self, document: int) -> Rows:
        """The rows that start with this document, which may have been drawn ahead."""
        if self._next is None or self._next[0] != document:
            shape = self.board.inputs.shape
            self._next = document, self.source.fill_rows(shape[0] * shape[1], document)
        return self._next[1]

    def step(self) -> dict[str, float]:
        """Update the model on the next rows; return loss, balance loss and dropped share."""
        started = self._clock()
        p, board = self.progress, self.board
        rows = self._rows_from(p.next_document)
        board.inputs.copy_(torch.from_numpy(rows.inputs).view_as(board.inputs))
        board.targets.copy_(torch.from_numpy(rows.targets).view_as(board.targets))
        board.weights.copy_(torch.from_numpy(rows.weights).view_as(board.weights))
        board.taken.zero_()
        self.helpers.begin()
        add_gradients(self.forward, board, self.loss_settings)
        self._rows_from(rows.next_document)  # while the helpers finish
        self.helpers.finish()
        torch.set_num_threads(1 + self.settings.helpers)  # the helpers sleep until the next step
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        s = self.settings
        set_rate(self.optimizers, s.peak * rate_factor(p, s.limit, s.decays, s.warmup_steps))
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        torch.set_num_threads(1)
        self.progress = dataclasses.replace(
            p,
            step=p.step + 1,
            tokens=p.tokens + rows.inputs.size,
            next_document=rows.next_document,
            run_steps=p.run_steps + 1,
            run_tokens=p.run_tokens + rows.inputs.size,
            # Compiling takes minutes on a busy machine; a limit in minutes does not count them.
            run_seconds=p.run_seconds + (self._clock() - started if self._compiled else 0.0),
        )
        self._compiled = True
        return dict(zip(("loss", "balance", "dropped"), board.parts.mean(0).tolist(), strict=True))

    def save(self, folder: Path) -> Path:
        """Write a checkpoint of the current state."""
        return save_checkpoint(folder, self.model, self.shape, self.optimizers, self.progress)


def run(trainer: Trainer, folder: Path, validation: Validation) -> None:
    """Step until the limit or SIGTERM; log, validate and checkpoint on the way."""
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, frame: stopped.append(received))
    s = trainer.settings
    folder.mkdir(parents=True, exist_ok=True)
    saved_at = logged_at = time.monotonic()
    losses: list[float] = []
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        if trainer.progress.run_steps == 0:
            first = {"step": trainer.progress.step, "begun": True, **validation.losses(trainer.model)}
            log.write(json.dumps(first) + "\n")
            log.flush()
        while not stopped and s.limit.share_done(trainer.progress) < 1.0:
            paused_s = wait_while_paused(folder)
            logged_at += paused_s
            parts = trainer.step()
            losses.append(parts["loss"])
            p, now = trainer.progress, time.monotonic()
            if p.step % s.log_every_steps == 0:
                line: dict[str, Any] = {"step": p.step, "tokens": p.tokens}
                line |= {name: round(value, 4) for name, value in parts.items()}
                line["loss"] = round(sum(losses) / len(losses), 4)
                line["tok_per_s"] = round(len(losses) * s.batch_tokens / (now - logged_at))
                if p.step % s.validate_every_steps < s.log_every_steps:
                    line |= validation.losses(trainer.model)
                log.write(json.dumps(line) + "\n")
                log.flush()
                losses, logged_at = [], time.monotonic()
            if now - saved_at > s.save_every_s:
                trainer.save(folder)
                saved_at = time.monotonic()
        final = validation.losses(trainer.model)
        log.write(json.dumps({"step": trainer.progress.step, "ended": True, **final}) + "\n")
    trainer.save(folder)


def prepare_data(anew: bool) -> Corpus:
    """Build the missing parts of the corpus, and load it with the shipped encoder or a newly learned one."""
    if not (corpus_folder() / "train").is_dir():
        write_corpus(None)
    if not tokenizer_path().is_file():
        if not anew and (BUILTIN / "tokenizer.json").is_file():
            text_only_tokenizer(BUILTIN).save(str(tokenizer_path()))
        else:
            write_tokenizer()
    return load_corpus()


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", help="name of the run folder (default: stable; with --packed, packed)")
    parser.add_argument("--packed", type=Path, metavar="FILE", help="train from this file instead of the corpus")
    parser.add_argument("--branch-from", help="start a new run from the newest checkpoint of this run")
    parser.add_argument("--background", action="store_true", help="train in a process of its own and return")
    parser.add_argument("--anew", action="store_true", help="start from random weights, not from the model that ships")
    parser.add_argument("--decay", action="store_true", help="let the rate fall to 0 at the limit")
    parser.add_argument("--minutes", type=float, help="end after this many minutes of the run")
    parser.add_argument("--steps", type=int, help="end after this many steps of the run")
    parser.add_argument("--peak", type=float, default=TrainSettings.peak, help="the highest rate (default: 1.0)")
    parser.add_argument("--sequence", type=int, default=TrainSettings.sequence_tokens, help="tokens a row")
    parser.add_argument("--batch-tokens", type=int, help="tokens a step (default: 8192; on a GPU 65536)")
    parser.add_argument("--processes", type=int, default=2, help="single-threaded workers on a CPU")
    arguments = parser.parse_args()
    if arguments.decay and not (arguments.minutes or arguments.steps):
        parser.error("--decay needs --minutes or --steps: the rate falls to 0 at that limit")
    return arguments


def main() -> None:
    """Command line of the training."""
    arguments = read_arguments()
    folder = run_folder(arguments.run or ("packed" if arguments.packed else "stable"))
    if arguments.background:
        options = [option for option in sys.argv[1:] if option != "--background"]
        print(f"training in process {start_in_background(folder, options)}; its output: {folder / OUTPUT_FILE}")
        print(f"pause it with the file {folder / PAUSE_FILE}; end it with kill -TERM, which saves a checkpoint")
        return
    yield_to_others()
    with alone_in(folder):
        train(arguments, folder)


def train(arguments: argparse.Namespace, folder: Path) -> None:
    """Resume the run in the folder, or begin it."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(1)
    settings = settings_of(arguments, on_gpu=device == "cuda")
    corpus = read_packed(arguments.packed) if arguments.packed else prepare_data(arguments.anew)
    encoder = corpus.encoder
    sequence = settings.sequence_tokens
    source = DocumentSource(corpus.train, encoder, sequence, settings.seed, settings.fim_rate, corpus.changed)
    shape = ModelShape(vocab_size=encoder.vocabulary_tokens)
    trainer = Trainer(shape, settings, source, device, compiled=True)
    save_encoder(encoder, folder)
    checkpoint = newest_checkpoint(folder)
    if checkpoint is not None:
        trainer.resume(checkpoint, as_branch=False)
    elif arguments.branch_from:
        origin = newest_checkpoint(run_folder(arguments.branch_from))
        if origin is None:
            raise SystemExit(f"run {arguments.branch_from!r} has no checkpoint to branch from")
        trainer.resume(origin, as_branch=True)
    elif not arguments.anew and has_shape(BUILTIN, shape):
        trainer.start_from(BUILTIN)
    run(trainer, folder, Validation(corpus.held_out, encoder, sequence, changed=corpus.held_out_changed))


if __name__ == "__main__":
    main()
