"""A step gets the threads that it is worth."""

import math
from pathlib import Path

import pytest
import torch

from inference.models.deepseek_v2 import load_deepseek_v2
from inference.models.deepseek_v2_config import parse_deepseek_v2
from inference.threads import threads_for
from inference.weights.checkpoint import ShapeRecorder
from tests.inference.folders import LARGE, LITE


@pytest.mark.parametrize("released", [LITE, LARGE], ids=["lite", "236b"])
def test_active_parameters_are_those_of_the_tensors_a_token_meets(released) -> None:
    config = parse_deepseek_v2(released, Path("config.json"))
    wanted = ShapeRecorder(1000, "the test")
    load_deepseek_v2(config, wanted, torch.device("meta"))
    matrices = {
        name: math.prod(shape)
        for name, shape in wanted.shapes.items()
        if len(shape) > 1 and "embed_tokens" not in name and ".mlp.gate." not in name
    }
    routed = sum(count for name, count in matrices.items() if ".mlp.experts." in name)
    chosen = routed * config.num_experts_per_tok // config.n_routed_experts
    assert config.active_weights.parameters == sum(matrices.values()) - routed + chosen


def test_a_keystroke_of_the_builtin_model_runs_on_one_thread_and_a_large_model_on_all() -> None:
    assert threads_for(7_000_000, 2, 1, available=8) == 1
    assert threads_for(7_000_000, 2, 256, available=8) == 1
    assert threads_for(500_000_000, 2, 1, available=8) == 5
    assert threads_for(2_400_000_000, 2, 256, available=8) == 8
    assert threads_for(2_400_000_000, 2, 256, available=1) == 1
