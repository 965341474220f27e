"""A model has run every kind of step before it serves on a GPU."""

import logging

import pytest
import torch

from inference.devices.warm_up import warm_up
from inference.models.batch import Batch
from inference.models.load import load_decoder
from tests.inference.devices.fake_gpu import CUDA, WeightsOnGpu, replace_kernels
from tests.inference.devices.made_up_gpu import made_up_gpu
from tests.inference.folders import LITE, config_of


class Recorder:
    """A model that notes its steps."""

    def __init__(self) -> None:
        self.steps: list[tuple[list[int], int]] = []

    def forward(self, batch: Batch, pages: torch.Tensor) -> torch.Tensor:
        counts = [segment.count for segment in batch.segments]
        assert all(segment.length <= pages.shape[1] * 16 for segment in batch.segments)
        self.steps.append((counts, batch.segments[0].length - counts[0]))
        return torch.zeros(len(batch.logit_rows), 8)


def test_tokens_drafts_prompts_and_batches_run_from_the_beginning_and_behind_a_context(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    model = Recorder()
    warm_up(model, torch.zeros(1, 256, 16, 4))
    for counts in ([1], [9], [1, 1], [64], [256], [1024]):
        assert (counts, 0) in model.steps
        assert (counts, 2048) in model.steps
    assert "20 of 20 kinds of steps are compiled" in caplog.text


def test_a_small_cache_leaves_out_what_it_has_no_pages_for() -> None:
    model = Recorder()
    warm_up(model, torch.zeros(1, 16, 16, 4))
    assert max(sum(counts) for counts, _ in model.steps) == 256


def test_every_kernel_of_a_model_is_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    launched = replace_kernels(monkeypatch)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _device: None)
    with made_up_gpu():
        config = config_of(LITE)
        memory = torch.empty(config.num_hidden_layers, 128, 16, config.page_width, dtype=torch.bfloat16, device=CUDA)
        warm_up(load_decoder(config, WeightsOnGpu("int8"), CUDA), memory)
    attention = {"mla_attention", "expanded_attention", "write_latents"}
    kernels = attention | {"route", "few_gate_up", "grouped_linear", "rmsnorm"}
    assert {f"_{name}_kernel" for name in kernels} <= {*launched}
