"""What a run does, and where the command line says so."""

import argparse
from dataclasses import dataclass, field

from training.documents import FIM_RATE
from training.schedule import WARMUP_STEPS, Limit

# A GPU that is given little at a time waits for the next.
GPU_BATCH_TOKENS, GPU_MICRO_TOKENS = 65_536, 32_768
# The decay is the run's last and slowest words: mostly the job itself, filling a hole.
DECAY_FIM_RATE = 0.8


@dataclass(frozen=True)
class TrainSettings:
    """What a run does; the model's shape is apart."""

    sequence_tokens: int = 512
    # Muon's step costs as much as 1,200 tokens' work whatever the batch; 4096 a step was slower.
    batch_tokens: int = 8192
    seed: int = 1
    warmup_steps: int = WARMUP_STEPS
    decays: bool = False
    limit: Limit = field(default_factory=Limit)
    # Slots an expert has, in multiples of its even share; what does not fit is dropped: at 1.25 that
    # was 2-3% of the choices.
    capacity_factor: float = 1.5
    balance_weight: float = 0.02
    clip_norm: float = 1.0
    # What one process works on at a time; two of them wait at most that long for each other.
    micro_tokens: int = 1024
    helpers: int = 0
    fim_rate: float = FIM_RATE
    log_every_steps: int = 20
    validate_every_steps: int = 250
    save_every_s: float = 240.0


def settings_of(arguments: argparse.Namespace, *, on_gpu: bool) -> TrainSettings:
    """Those of the command line, for the device that there is."""
    return TrainSettings(
        sequence_tokens=arguments.sequence,
        batch_tokens=arguments.batch_tokens or (GPU_BATCH_TOKENS if on_gpu else TrainSettings.batch_tokens),
        decays=arguments.decay,
        limit=Limit(arguments.steps, arguments.minutes),
        fim_rate=DECAY_FIM_RATE if arguments.decay else FIM_RATE,
        micro_tokens=GPU_MICRO_TOKENS if on_gpu else TrainSettings.micro_tokens,
        helpers=0 if on_gpu else arguments.processes - 1,
    )
