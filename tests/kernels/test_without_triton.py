"""Triton is optional: each public function works where it cannot be imported."""

import os
import subprocess
import sys

import pytest
import torch

CALL_EVERYTHING = """
import torch
from kernels.expanded_attention import expanded_attention
from kernels.experts import packed_experts, routed_experts
from kernels.key_value_write import rotate_and_write
from kernels.kv_attention import kv_attention
from kernels.latent_write import write_latents
from kernels.mla_attention import mla_attention
from kernels.packed_linear import packed_linear
from kernels.packed_weights import pack_weights
from kernels.page_write import write_pages
from kernels.rmsnorm import add_rmsnorm, rmsnorm
from kernels.rope import apply_rope
from kernels.router import route

x = rmsnorm(torch.ones(2, 4), torch.ones(4), 1e-6)
apply_rope(x[:, None], torch.ones(2, 2), torch.zeros(2, 2))
pages = torch.zeros(1, 2, 4)
write_pages(pages, torch.tensor([0, 1]), x)
table, lengths = torch.tensor([[0]], dtype=torch.int32), torch.tensor([2], dtype=torch.int32)
mla_attention(x[None, :, None], pages, table, lengths, 1.0, 3)
ids, weights = route(x, torch.eye(4), 2, 1, 1, "greedy", 1.0, False)
gate_up, down = torch.ones(4, 6, 4), torch.ones(4, 4, 3)
routed_experts(x, ids, weights, gate_up, down)
packed_experts(x, ids, weights, pack_weights("wide", [gate_up]), pack_weights("wide", [down]))
packed_linear(x, pack_weights("int8", [torch.ones(3, 4, dtype=torch.int8), torch.ones(3)]))
add_rmsnorm(x, x, torch.ones(4), 1e-6)
angles = torch.ones(2, 1), torch.zeros(2, 1)
write_latents(pages, torch.tensor([0, 1]), x, torch.ones(2), 1e-6, *angles)
expanded_attention(x[:, None, :2], x[:, None, 2:], pages, table[0], 2, torch.ones(1, 2, 2), torch.ones(1, 2, 2), 1.0)
q = rotate_and_write(pages, torch.tensor([0, 1]), torch.ones(2, 4, 2), 2, *angles)
kv_attention(q[None], pages, table, lengths, 1.0, 1)
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
