"""Triton is optional: each public function works where it cannot be imported."""

import os
import subprocess
import sys

import pytest
import torch

CALL_EVERYTHING = """
import torch
from kernels.experts import routed_experts
from kernels.mla_attention import mla_attention
from kernels.page_write import write_pages
from kernels.rmsnorm import rmsnorm
from kernels.rope import apply_rope
from kernels.router import route

x = rmsnorm(torch.ones(2, 4), torch.ones(4), 1e-6)
apply_rope(x[:, None], torch.ones(2, 2), torch.zeros(2, 2))
pages = torch.zeros(1, 2, 4)
write_pages(pages, torch.tensor([0, 1]), x)
table, lengths = torch.tensor([[0]], dtype=torch.int32), torch.tensor([2], dtype=torch.int32)
mla_attention(x[None, :, None], pages, table, lengths, 1.0, 3)
ids, weights = route(x, torch.eye(4), 2, 1, 1, "greedy", 1.0, False)
routed_experts(x, ids, weights, torch.ones(4, 6, 4), torch.ones(4, 4, 3))
"""


def run_python(code: str, interpret: str) -> None:
    environment = {**os.environ, "TRITON_INTERPRET": interpret}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_everything_works_where_triton_is_not_installed() -> None:
    run_python("import sys; sys.modules['triton'] = None\n" + CALL_EVERYTHING, interpret="1")


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU triton is wanted")
def test_triton_is_not_imported_where_it_cannot_run() -> None:
    run_python(CALL_EVERYTHING + "import sys; assert 'triton' not in sys.modules", interpret="0")
