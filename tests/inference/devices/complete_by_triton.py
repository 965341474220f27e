"""Completes with Triton's interpreter (TRITON_INTERPRET=1), and with torch. Prints the tokens of both as JSON.

It runs as a process of its own: Triton looks at TRITON_INTERPRET when a kernel is defined.
"""

import json
import pkgutil
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

import kernels
from inference import loader
from inference.api import EngineSettings, Request
from inference.models import moe
from inference.models.description import read_description
from inference.prompts.prompt import TokenPrompt, build_fim_prompt
from inference.prompts.tokenizer import Tokenizer
from inference.weights import linear
from kernels.triton_import import INTERPRETED, runs_triton
from tests.inference.small_scheduler import Running

NEW_TOKENS = 4
PREFIX, SUFFIX = "def add(a, b):\n    return ", "\n"


def replace_everywhere(name: str, of: Callable[[str], Any]) -> None:
    """Replace a function of all files of `kernels` that have it."""
    for found in pkgutil.iter_modules(kernels.__path__):
        module = import_module(f"kernels.{found.name}")
        if not found.ispkg and hasattr(module, name):
            setattr(module, name, of(found.name))


def complete(folder: Path, quant: Any) -> list[int]:
    description = read_description(folder)
    tokenizer = Tokenizer(folder, description.family)
    settings = EngineSettings(cache_bytes=4 << 20, chunk_tokens=16, quant=quant, device="cpu")
    scheduler = loader.build_scheduler(folder, description.config, tokenizer, 256, settings)[0]
    prompt = TokenPrompt(build_fim_prompt(tokenizer, description.identity.fim_orders[0], "", PREFIX, SUFFIX))
    running = Running(scheduler, tokenizer)
    return [token for done in running.run(Request(prompt, NEW_TOKENS)) for token in done.output]


def main() -> None:
    assert INTERPRETED
    cases = [(Path(folder), quant) for folder, quant in json.loads(sys.argv[1])]
    loader._native_functions = lambda *_: None
    setattr(loader, "try_reading", lambda *_: 1.0)  # noqa: B010  # the trial would take long; mypy sees no such name
    by_torch = [complete(folder, quant) for folder, quant in cases]
    launched: Counter[str] = Counter()

    def forced(name: str) -> Callable[[torch.Tensor], bool]:
        def launch(_tensor: torch.Tensor) -> bool:
            launched[name] += 1
            return True

        return launch

    replace_everywhere(runs_triton.__name__, forced)
    for module in (linear, moe):
        setattr(module, "reads_packed", lambda weight: not weight.is_meta)  # noqa: B010  # as above
    by_triton = [complete(folder, quant) for folder, quant in cases]
    print(json.dumps({"torch": by_torch, "triton": by_triton, "launched": sorted(launched)}))


if __name__ == "__main__":
    main()
