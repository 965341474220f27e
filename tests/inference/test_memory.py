"""Memory stays bounded while prompts and outputs have ever other lengths, and what is freed goes back."""

import json
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.inference.engines import fresh_engine, random_prompt
from tests.inference.generate import generate

PROGRAM = Path(__file__).parent / "complete_many_lengths.py"
# oneDNN's caches, which hold few products, and the pages of the cache. With a product for each length, 610 MB.
MOST_GROWTH_MB = 150


def test_completions_of_60_lengths_compile_few_products() -> None:
    done = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["last"] - figures["first"] < MOST_GROWTH_MB, figures


def test_what_a_prefill_leaves_goes_back_as_soon_as_nothing_runs(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = fresh_engine(model_folder)
    trims: SimpleQueue[int] = SimpleQueue()
    monkeypatch.setattr("inference.scheduler.trim_heap", lambda: trims.put(engine.stats().live_requests))
    generate(engine, random_prompt(41, 30))
    generate(engine, random_prompt(42, 200))
    assert trims.get(timeout=60) == 0
    generate(engine, random_prompt(42, 200))  # from the cache
    engine.close()
    assert trims.empty()
