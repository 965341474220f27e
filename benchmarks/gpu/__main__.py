"""Checks every kernel on this machine's GPU against its reference, and measures kernels and whole models.

It takes ten minutes at most, and nothing but this machine and the repository. The table goes to stdout and the same as
JSON to a file. Commit that file with the name of the card.
"""

import argparse
import json
import secrets
import sys
import time
from functools import partial
from pathlib import Path

import torch

from benchmarks.gpu.case import Sizes
from benchmarks.gpu.check import measure_kernel
from benchmarks.gpu.clock import Clock, EventClock, measure_roofline
from benchmarks.gpu.kernel_cases import kernel_cases
from benchmarks.gpu.models import ADDED_TOKENS, CONTEXTS, FORMS, MODELS, MeasuredModel, largest_context
from benchmarks.gpu.peer import Peer
from benchmarks.gpu.random_weights import RandomWeights
from benchmarks.gpu.report import Report
from inference.devices.cards import Card, TorchDriver, find_cards
from inference.devices.find_places import free_unused
from inference.loader import wanted_tensors
from inference.models.architecture import ModelConfig
from inference.weights.default_form import DefaultForm
from kernels.triton_import import runs_triton

# The peer's steps: the name, the new tokens, and the tokens before. No new ones: a prompt is read from nothing.
PEER_STEPS = (
    ("decode behind 0", 1, 0),
    ("decode behind 8,192", 1, 8192),
    ("decode behind 32,768", 1, 32768),
    ("+16 behind 8,192", 16, 8192),
    ("8,192 cold", 0, 8192),
)


class Run:
    """A run of the benchmark on one card. It measures nothing more once its time is over."""

    def __init__(self, card: Card, clock: Clock, report: Report, ends_s: float) -> None:
        self._device = torch.device(card.device)
        self._free_bytes = card.free_bytes
        self._clock = clock
        self._report = report
        self._ends_s = ends_s

    @property
    def _is_over(self) -> bool:
        return time.monotonic() > self._ends_s

    def measure_kernels(self, sizes: Sizes) -> None:
        """Check and measure all kernels. One that cannot be run is left out, by name where it has one yet."""
        inputs = RandomWeights("wide", self._device, self._report.seed)
        for make in kernel_cases(inputs, sizes):
            name = "a kernel's inputs"
            try:
                case = make()
                name = case.name
                self._report.kernels.append(measure_kernel(case, self._clock, self._report.roofline))
            except Exception as error:  # a kernel that fails to compile hides no other
                self._leave_out(name, error)

    def measure_models(self) -> None:
        for name, config in MODELS.items():
            sizes = wanted_tensors(config).sizes_bytes(2)
            for form in FORMS:
                context = largest_context(config, sizes[form], self._free_bytes)
                title = f"{name} as {form}"
                if context is None:
                    self._report.left_out.append(f"{title}: the card has too little memory")
                    continue
                try:
                    self._measure_model(name, form, context)
                except Exception as error:  # out of memory, too: the other models are measured
                    self._leave_out(title, error)
                free_unused(self._device)

    def _measure_model(self, name: str, form: DefaultForm, most_context: int) -> None:
        if self._is_over:
            self._report.left_out.append(f"{name} as {form}: the time was over")
            return
        model = MeasuredModel(name, MODELS[name], form, self._device, most_context)
        contexts = [context for context in CONTEXTS if context <= most_context]
        for row in model.rows(contexts, ADDED_TOKENS, self._clock, self._report.roofline):
            self._report.models.append(row)
            if self._is_over:
                self._report.left_out.append(f"{name} as {form}: the time was over after {row.what}")
                return

    def measure_peers(self) -> None:
        for name, config in MODELS.items():
            try:
                self._measure_peer(name, config)
            except Exception as error:  # whatever its version lacks, our own figures stay
                self._report.peers[f"{name} in bf16"] = f"{type(error).__name__}: {_first_line(error)}"
            free_unused(self._device)

    def _measure_peer(self, name: str, config: ModelConfig) -> None:
        peer: Peer | None = None
        for what, new, context in PEER_STEPS:
            title = f"{name} in bf16, {what}"
            if self._is_over:
                self._report.peers[title] = "the time was over"
                continue
            peer = peer or Peer(config, self._device)
            seconds = peer.time_s(new, context, self._clock) if new else peer.time_cold_s(context, self._clock)
            self._report.peers[title] = 1000 * seconds

    def _leave_out(self, what: str, error: Exception) -> None:
        self._report.left_out.append(f"{what}: {type(error).__name__}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", help="cuda, or cuda:1; the one with the most free memory")
    parser.add_argument("--seed", type=int, help="of the random inputs, to repeat a run")
    parser.add_argument("--minutes", type=float, default=10, help="no measurement begins after them")
    parser.add_argument("--json", type=Path, default=Path("gpu.json"), help="the file of the results")
    arguments = parser.parse_args()
    found = find_cards(TorchDriver())
    cards = [card for card in found.cards if arguments.device in (None, "cuda", card.device)]
    if not cards:
        reasons = [found.absence] if found.absence else [refusal.line for refusal in found.refusals]
        print(f"There is no GPU to measure: {'; '.join(reasons) or 'no card has the name of --device'}.")
        return 1
    card = max(cards, key=lambda card: card.free_bytes)
    return measure(card, arguments.seed, arguments.minutes, arguments.json)


def measure(card: Card, seed: int | None, minutes: float, file: Path) -> int:
    ends_s = time.monotonic() + 60 * minutes
    device = torch.device(card.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)  # Triton launches on the device of the thread, and events are of its streams
    if not runs_triton(torch.empty(0, device=device)):
        print("This torch has no Triton, so the kernels cannot be run: install triton.")
        return 1
    clock = EventClock(device)
    versions = {"torch": torch.__version__, "cuda": str(torch.version.cuda or torch.version.hip)}
    seed = secrets.randbelow(1 << 32) if seed is None else seed
    with torch.inference_mode():
        report = Report(card.name, versions, seed, measure_roofline(clock, device))
        run = Run(card, clock, report, ends_s)
        for part in (partial(run.measure_kernels, Sizes()), run.measure_models, run.measure_peers):
            part()
            file.write_text(json.dumps(report.as_json(), indent=2) + "\n", encoding="utf-8")
    print(report.in_words())
    print(f"The same is in {file}.")
    return 1 if report.wrong or not report.kernels else 0


if __name__ == "__main__":
    sys.exit(main())
