"""A captured step stays on the GPU, and the tokens that it has chosen are those that are read."""

from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from inference.api import Sampling
from inference.devices.captured_step import CapturedDecoder, CapturedPass, begin_pass
from inference.models.load import load_decoder
from inference.prompts.healing import Allowed
from inference.sampler import Sampler, choose_tokens
from tests.inference.devices.decode_steps import decoding
from tests.inference.devices.fake_gpu import CUDA, EventStub, WeightsOnGpu, replace_kernels
from tests.inference.devices.made_up_gpu import made_up_gpu
from tests.inference.folders import CODER_V1, LITE, QWEN, VOCABULARY, config_of

CONFIGS = {"llama": CODER_V1, "qwen": QWEN, "lite": LITE}


def test_greedy_tokens_of_the_step_stand_unless_a_sequence_samples_or_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(sampling: Sampling, *, is_healing: bool) -> list[int]:
        sequence: Any = SequenceStub(is_healing)
        planned: Any = [(sequence, SimpleNamespace(tokens=[1, 2], logit_tokens=2))]
        greedy: Any = SimpleNamespace(read=lambda *, goes_on: [(4, -0.1), (5, -0.2)])
        rows = choose_tokens(planned, {sequence: Sampler(sampling)}, torch.eye(2, 9), 9, greedy)
        return [token for row in rows for token, _ in row]

    monkeypatch.setattr(torch.Tensor, "is_cpu", False)
    assert chosen(Sampling(), is_healing=False) == [4, 5]
    assert chosen(Sampling(), is_healing=True) == [8, 8]
    assert chosen(Sampling(0.01, 0.5, 1), is_healing=False) == [0, 1]


class SequenceStub:
    """As much of a live sequence as the choice of its tokens needs."""

    copier = None
    request = SimpleNamespace(given=())

    def __init__(self, is_healing: bool) -> None:
        self.stream = SimpleNamespace(
            is_healing=is_healing, allowed_tokens=lambda: Allowed(array("q", [8]), array("f", [0]))
        )


@pytest.mark.parametrize("name", CONFIGS)
def test_a_bucketed_step_stays_on_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    launched = replace_kernels(monkeypatch)
    monkeypatch.setattr(torch.cuda, "Event", EventStub)
    moves_of_computing = []
    with made_up_gpu() as calls:

        def capture(compute: Callable[[], None]) -> Callable[[], None]:
            before = calls.moves
            compute()
            moves_of_computing.append(calls.moves - before)
            return compute

        config = config_of(CONFIGS[name])
        model = CapturedDecoder(load_decoder(config, WeightsOnGpu("int8"), CUDA), VOCABULARY, capture)
        memory = torch.empty(config.num_hidden_layers, 200, 16, config.page_width, dtype=torch.bfloat16, device=CUDA)
        for works in (decoding((1, 40)), decoding((3, 40), (1, 9)), decoding(*[(2, 5)] * 16)):
            for _ in range(2):
                before = calls.moves
                forward_pass = begin_pass(model, works, memory)
                logits = forward_pass.run()
                assert calls.moves == before + 1  # one copy of all inputs
                assert isinstance(forward_pass, CapturedPass)
                assert logits is not None
                assert forward_pass.greedy is not None
                assert (logits.device, len(logits)) == (CUDA, sum(len(work.tokens) for work in works))
                outputs = model.steps_of(memory)._outputs
                assert {each.device for each in (outputs.logits, outputs.tokens, outputs.logprobs)} == {CUDA}
                model.steps_of(memory).send(len(logits))
                assert calls.moves == before + 2  # one of all that is read
                if {len(work.tokens) for work in works} == {1}:
                    model.steps_of(memory).launch_next(works, memory)
                    assert calls.moves == before + 3  # its tokens are there
    assert moves_of_computing == [0] * 3
    attention = {"lite": "_mla_attention_kernel"}.get(name, "_kv_attention_kernel")
    assert attention in launched
    assert "_expanded_attention_kernel" not in launched
