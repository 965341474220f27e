"""How many of torch's threads a step is worth. Importing this does not import torch."""

import os

# What one thread of a laptop's core does, roughly: FLOP of bf16 products, and bytes of weights read.
FLOP_PER_MS = 150e6
BYTES_PER_MS = 10e6
# Threads meet at the end of every operation, and on a machine that compiles or tests meanwhile, one of them waits for
# a core each time. On two busy cores a prefill of 25 ms on one thread took 450 ms on two, so a second one has to pay.
MS_PER_THREAD = 20


def let_threads_sleep() -> None:
    """OpenMP's threads sleep while they wait, for torch that is loaded later. A user's own choice stands.

    Its default is to spin, which on a busy machine takes the core from the very thread that is waited for.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def threads_for(active_parameters: int, parameter_bytes: int, new_tokens: int, available: int) -> int:
    """active_parameters: those that one token is multiplied with; parameter_bytes: of each."""
    compute_ms = 2 * active_parameters * new_tokens / FLOP_PER_MS
    read_ms = active_parameters * parameter_bytes / BYTES_PER_MS
    return max(1, min(available, int(max(compute_ms, read_ms) / MS_PER_THREAD)))
