"""The settings of a run, from the command line."""

import argparse
from dataclasses import dataclass, field

from training.documents.document_source import FIM_RATE
from training.run.schedule import WARMUP_STEPS, Limit

# A GPU with small batches waits for the next batch.
GPU_BATCH_TOKENS, GPU_MICRO_TOKENS = 65_536, 32_768
# The decay decides how the model ends up, so most of its documents are the job itself: filling a hole.
DECAY_FIM_RATE = 0.8


@dataclass(frozen=True)
class TrainSettings:
    """The settings of a run; the model's shape is not among them."""

    sequence_tokens: int = 512
    # Muon's step costs as much as 1,200 tokens' work whatever the batch; 4096 a step was slower.
    batch_tokens: int = 8192
    seed: int = 1
    warmup_steps: int = WARMUP_STEPS
    # The peak of the rates, in those of the first run. A run that goes on for fewer tokens than there were before
    # need not move as far.
    peak: float = 1.0
    decays: bool = False
    limit: Limit = field(default_factory=Limit)
    # An expert's slots, in multiples of its even share. Choices beyond them are dropped: 2-3% of them
    # at 1.25.
    capacity_factor: float = 1.5
    balance_weight: float = 0.02
    clip_norm: float = 1.0
    # The tokens that one process works on at a time; two processes wait at most that long for each other.
    micro_tokens: int = 1024
    helpers: int = 0
    fim_rate: float = FIM_RATE
    log_every_steps: int = 20
    validate_every_steps: int = 250
    save_every_s: float = 240.0


def settings_of(arguments: argparse.Namespace, *, on_gpu: bool) -> TrainSettings:
    """The settings on the command line, for a GPU or a CPU."""
    return TrainSettings(
        sequence_tokens=arguments.sequence,
        batch_tokens=arguments.batch_tokens or (GPU_BATCH_TOKENS if on_gpu else TrainSettings.batch_tokens),
        decays=arguments.decay,
        peak=arguments.peak,
        limit=Limit(arguments.steps, arguments.minutes),
        fim_rate=DECAY_FIM_RATE if arguments.decay else FIM_RATE,
        micro_tokens=GPU_MICRO_TOKENS if on_gpu else TrainSettings.micro_tokens,
        helpers=0 if on_gpu else arguments.processes - 1,
    )
