"""The engine gives the same greedy tokens by the kernels, in Triton's interpreter, as by torch."""

import json
import os
import subprocess
import sys
from pathlib import Path

from inference.local_engine import BUILTIN_MODEL
from tests.inference.folders import LITE, QWEN, write_folder


def test_the_kernels_write_what_torch_writes(tmp_path: Path) -> None:
    lite = str(write_folder(tmp_path / "lite", LITE))
    qwen = str(write_folder(tmp_path / "qwen", QWEN))
    cases = [(str(BUILTIN_MODEL), "none"), (lite, "int4"), (qwen, "int8")]
    environment = os.environ | {"TRITON_INTERPRET": "1", "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "tests.inference.devices.complete_by_triton", json.dumps(cases)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["triton"] == found["torch"]
    assert all(len(tokens) >= 3 for tokens in found["torch"])
    attention = {"key_value_write", "kv_attention", "latent_write", "mla_attention"}
    assert attention | {"experts", "packed_linear", "rmsnorm", "router"} <= {*found["launched"]}
