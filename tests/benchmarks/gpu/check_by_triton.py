"""Checks the benchmark's cases by the kernels, in Triton's interpreter (TRITON_INTERPRET=1); prints what is wrong.

It runs as a process of its own: Triton looks at TRITON_INTERPRET when a kernel is defined.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import torch

from benchmarks.gpu.check import measure_kernel
from benchmarks.gpu.kernel_cases import kernel_cases
from benchmarks.gpu.random_weights import RandomWeights
from kernels.triton_import import INTERPRETED
from tests.benchmarks.gpu.small_sizes import ROOFLINE, SIZES
from tests.inference.devices.complete_by_triton import replace_everywhere


def main() -> None:
    assert INTERPRETED
    launched: set[str] = set()

    def forced(name: str) -> Callable[[torch.Tensor], bool]:
        def launch(_tensor: torch.Tensor) -> bool:
            launched.add(name)
            return True

        return launch

    replace_everywhere("runs_triton", forced)
    inputs = RandomWeights("wide", torch.device("cpu"), 0)
    sizes = replace(SIZES, contexts=(100,), new_tokens=(5,))
    clock = SimpleNamespace(time_s=lambda _work: 0.001)  # the check has run it
    rows = [measure_kernel(make(), clock, ROOFLINE) for make in kernel_cases(inputs, sizes)]
    wrong = {row.name: row.error for row in rows if not row.is_right}
    print(json.dumps({"wrong": wrong, "count": len(rows), "launched": sorted(launched)}))


if __name__ == "__main__":
    main()
