"""The memory of the process stays bounded while prompts and outputs have ever other lengths."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "complete_many_lengths.py"
# oneDNN's caches, which hold few products, and the pages of the cache. With a product for each length, 610 MB.
MOST_GROWTH_MB = 150


def test_completions_of_60_lengths_compile_few_products() -> None:
    done = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["last"] - figures["first"] < MOST_GROWTH_MB, figures
