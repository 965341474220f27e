"""The number of torch's threads that a step is worth. Importing this does not import torch."""

import os
from functools import cache

from midspan.cores import quota_cores

# The rough speed of one thread on a laptop's core: FLOP of bf16 products, and bytes of weights read.
FLOP_PER_MS = 150e6
BYTES_PER_MS = 10e6
# Threads meet at the end of every operation, and on a machine that compiles or tests meanwhile, one of them waits for
# a core each time. On two busy cores a prefill of 25 ms on one thread took 450 ms on two, so a step has to be this long
# for each of its threads.
MS_PER_THREAD = 20


def let_threads_sleep() -> None:
    """Let OpenMP's threads sleep while they wait, unless the user has chosen otherwise. Call before importing torch.

    By default they spin, which on a busy machine takes the core from the very thread that they wait for.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@cache
def default_threads() -> int:
    """Return the number of threads that torch has chosen for this machine, or less where a container has a quota.

    Call this before the first engine loads: a thread that begins later gets the number that another has set last, and
    an engine with the native step leaves torch one thread.
    """
    import torch

    threads = torch.get_num_threads()
    return min(threads, quota_cores() or threads)


def threads_for(active_parameters: int, parameter_bytes: int, new_tokens: int, available: int) -> int:
    """Choose the number of threads for a step, `available` at most.

    `active_parameters` are multiplied with each token, and take `parameter_bytes` each.
    """
    compute_ms = 2 * active_parameters * new_tokens / FLOP_PER_MS
    read_ms = active_parameters * parameter_bytes / BYTES_PER_MS
    return max(1, min(available, int(max(compute_ms, read_ms) / MS_PER_THREAD)))
