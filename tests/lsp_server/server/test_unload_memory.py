"""An unloaded model gives its memory back, and a loaded model leaves no library behind."""

import json
import os
import sys
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from tests.inference.folders import LITE, QWEN, write_folder

ROOT = Path(__file__).parents[3]
ALLOWANCE_MB = 20  # the first long prompt makes torch and its libraries load parts of themselves

LARGE_QWEN = QWEN | {"hidden_size": 512, "intermediate_size": 2304, "num_hidden_layers": 10, "num_attention_heads": 8}
LARGE_LITE = LITE | {"hidden_size": 512, "moe_intermediate_size": 512, "num_hidden_layers": 6}


@pytest.mark.parametrize(("small", "large"), [(QWEN, LARGE_QWEN), (LITE, LARGE_LITE)], ids=["qwen", "lite"])
def test_memory_comes_back_when_a_model_is_unloaded(
    small: dict[str, Any], large: dict[str, Any], tmp_path: Path
) -> None:
    folders = [write_folder(tmp_path / "small", small), write_folder(tmp_path / "large", large)]
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, str(ROOT / "tests/lsp_server/server/unload_models.py"), *map(str, folders)]
    done = run(command, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=True, text=True)
    figures = json.loads(done.stdout)
    assert figures["first_loaded"] > figures["before"] + 120
    assert figures["first_unloaded"] < figures["before"] + ALLOWANCE_MB, figures
    assert figures["second_unloaded"] < figures["before"] + ALLOWANCE_MB, figures
    assert figures["compiler"] == [], "torch's compiler takes seconds to import, and 100 MB that stay"
