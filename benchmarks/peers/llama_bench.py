"""llama-bench of llama.cpp and of ik_llama.cpp: the other engines' own measurement of themselves."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midspan import ModelError

GENERATED_TOKENS = 32  # of a measurement of decoding
NEW_TOKENS = 32  # of a prompt whose beginning is cached
# Taken at import: an engine of this process lets the threads of OpenMP sleep (OMP_WAIT_POLICY), with which llama.cpp
# decodes at half its speed.
ENVIRONMENT = dict(os.environ)


@dataclass(frozen=True)
class LlamaCpp:
    """llama-bench of a folder with llama.cpp's programs, with its default settings."""

    folder: Path
    threads: int

    def prefill_s(self, model: Path, tokens: int) -> float:
        """The seconds of a prefill from nothing."""
        (seconds,) = self._run(model, "-p", tokens, "-n", 0)[0]
        return seconds

    def at_context(self, model: Path, context: int, repeats: int) -> tuple[list[float], list[float]]:
        """Milliseconds with `context` tokens cached: of 32 new tokens until their logits, and of a decoded token."""
        new, decoded = self._run(model, "-d", context, "-p", NEW_TOKENS, "-n", GENERATED_TOKENS, "-r", repeats)
        return [1000 * s for s in new], [1000 * s / GENERATED_TOKENS for s in decoded]

    def _run(self, model: Path, *options: object) -> list[list[float]]:
        return run_llama_bench([str(self.folder / "llama-bench")], model, self.threads, *options)


@dataclass(frozen=True)
class IkLlamaCpp:
    """llama-bench of a folder that holds ik_llama.cpp: its script `run` starts a program of the build.

    Weights are repacked at load, which is its fastest way. Flash attention has to be built in.
    """

    folder: Path
    threads: int
    flash_attention: bool

    def prefill_s(self, model: Path, tokens: int) -> float:
        """The seconds of a prefill from nothing."""
        (seconds,) = self._run(model, "-p", tokens, "-n", 0)[0]
        return seconds

    def decode_ms(self, model: Path, context: int, repeats: int) -> list[float]:
        """Milliseconds of a decoded token with `context` tokens cached."""
        (decoded,) = self._run(model, "-p", 0, "-n", 0, "-gp", f"{context},{GENERATED_TOKENS}", "-r", repeats)
        return [1000 * s / GENERATED_TOKENS for s in decoded]

    def _run(self, model: Path, *options: object) -> list[list[float]]:
        fastest = ["-rtr", 1, "-fa", int(self.flash_attention)]
        return run_llama_bench([str(self.folder / "run"), "llama-bench"], model, self.threads, *fastest, *options)


def run_llama_bench(program: list[str], model: Path, threads: int, *options: object) -> list[list[float]]:
    """Return the seconds of each sample of each test. Raises ModelError, with what the program has said."""
    once = [] if "-r" in options else ["-r", 1]
    command = [*program, "-m", model, "-t", threads, "-o", "json", *once, *options]
    done = subprocess.run(list(map(str, command)), env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ModelError(f"{' '.join(map(str, command))}: {done.stderr[-800:]}")
    tests: list[dict[str, Any]] = json.loads(done.stdout)
    return [[ns / 1e9 for ns in test["samples_ns"]] for test in tests]
