"""The engine's step runs on the GPU as a whole: no tensor is forgotten on the CPU, and nothing waits for the GPU."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorDeviceMismatchError

from inference import loader, sampler, scheduler
from inference.api import Draft, Request, Sampling
from inference.cache.allocate_memory import allocate_what_fits
from inference.devices.captured_step import CapturedDecoder, Greedy
from inference.devices.token_reader import TokenReader
from inference.models.decoder import Decoder, DecoderPass
from inference.models.description import read_family
from inference.models.rotated_keys import rotated_keys
from inference.prompts.prompt import TokenPrompt
from inference.prompts.tokenizer import Tokenizer
from inference.sampler import Choice
from inference.scheduler import Scheduler
from inference.weights.matrix import Quant
from kernels.move_rows import move_rows
from tests.inference.devices.fake_gpu import CUDA, EventStub, WeightsOnGpu, replace_kernels
from tests.inference.devices.made_up_gpu import Calls, made_up_gpu
from tests.inference.engines import random_prompt
from tests.inference.folders import CODER_V1, LARGE, LITE, QWEN, config_of, write_folder
from tests.inference.small_scheduler import Running

FORMS: tuple[Quant, ...] = ("wide", "int8", "int4")
CHOSEN = ord("a")  # by the GPU, at each row
CONFIGS = {"llama": CODER_V1, "qwen": QWEN, "lite": LITE, "large": LARGE}

NORM = {"_rmsnorm_kernel"}
GROUPED = NORM | {"_kv_attention_kernel", "_rotate_and_write_kernel"}
LATENT = NORM | {"_expanded_attention_kernel", "_mla_attention_kernel", "_write_latents_kernel", "_route_kernel"}


def counted(calls: Calls, run: Any) -> Any:
    """Return `DecoderPass.run`, which moves no tensor from one device to another."""

    def run_without_moves(*arguments: Any) -> Any:
        before = calls.moves
        logits = run(*arguments)
        assert calls.moves == before
        return logits

    return run_without_moves


def choices_of_gpu(tokens: Tensor, logprobs: Tensor) -> list[Choice]:
    """Stand for the read of the chosen tokens, which has to wait for the GPU."""
    assert tokens.device == logprobs.device == CUDA
    assert (tokens.dtype, tokens.shape) == (torch.int64, logprobs.shape)
    return [(CHOSEN, -0.1)] * len(tokens)


def sent_tokens(reader: TokenReader) -> list[Choice]:
    """Stand for the read of the tokens that a captured step has sent."""
    return [(CHOSEN, -0.1)] * reader._count


def scheduler_on_gpu(raw: dict[str, Any], quant: Quant, tokenizer: Tokenizer) -> Scheduler:
    config, source = config_of(raw), WeightsOnGpu(quant)
    decoder = loader._build(config, source, device=CUDA)
    assert isinstance(decoder, Decoder)
    model = CapturedDecoder(decoder, tokenizer.vocab_size, lambda compute: compute)
    memory = allocate_what_fits(config.num_hidden_layers, 128, config.page_width, source.dtype, CUDA)
    keys = rotated_keys(config, torch.device("cpu"), is_native=False)
    return Scheduler(
        model, memory, source.dtype, tokenizer.sentinels, tokenizer.vocab_size, 64, 1, keys, b"a key of pages" * 2
    )


@pytest.mark.parametrize("quant", FORMS)
@pytest.mark.parametrize("name", CONFIGS)
def test_load_prefill_decode_draft_and_sample(
    name: str, quant: Quant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "model", CONFIGS[name])
    tokenizer = Tokenizer(folder, read_family(folder))
    launched = replace_kernels(monkeypatch)
    monkeypatch.setattr(sampler, "read_choices", choices_of_gpu)
    monkeypatch.setattr(TokenReader, "receive", sent_tokens)
    monkeypatch.setattr(torch.cuda, "Event", EventStub)
    chosen_in_step = []

    def choose(planned: Any, samplers: Any, logits: Tensor, size: int, greedy: Greedy | None, *found: Any) -> Any:
        chosen_in_step.append(greedy is not None)
        return sampler.choose_tokens(planned, samplers, logits, size, greedy, *found)

    monkeypatch.setattr(scheduler, "choose_tokens", choose)
    long = Request(TokenPrompt(tuple(random_prompt(1, 150))), 12)
    drafted = Request(TokenPrompt(tuple(random_prompt(2, 40))), 12, drafts=(Draft("edit", (CHOSEN,) * 8),))
    sampled = Request(TokenPrompt(tuple(random_prompt(3, 20))), 6, sampling=Sampling(0.8, 0.9, 1))
    begun = replace(long, begins_with="ab", prompt=TokenPrompt(tuple(random_prompt(1, 149))))
    with made_up_gpu() as calls:
        monkeypatch.setattr(DecoderPass, "run", counted(calls, DecoderPass.run))
        running = Running(scheduler_on_gpu(CONFIGS[name], quant, tokenizer), tokenizer)
        done = running.run(long, drafted, sampled, begun)
    assert [each.updates[-1].error for each in done] == [None] * 4
    assert [each.reason for each in done] == ["length"] * 4
    assert done[1].sequence.accepted_tokens > 0
    assert {*chosen_in_step} == {False, True}  # by steps that read prompts, and by those that decode
    assert {"llama": GROUPED, "qwen": GROUPED, "lite": LATENT, "large": LATENT}[name] <= {*launched}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int8])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_moved_suffix_stays_on_the_device(name: str, dtype: torch.dtype) -> None:
    """Its angles come from the CPU, in fp64, as the loader gives them to a scheduler of any device."""
    config = config_of(CONFIGS[name])
    keys = rotated_keys(config, torch.device("cpu"), is_native=False)
    width = config.page_width + (2 * -(-config.page_width // 16) if dtype == torch.int8 else 0)
    with made_up_gpu() as calls:
        memory = torch.empty(config.num_hidden_layers, 8, 16, width, dtype=dtype, device=CUDA)
        sources, targets = (torch.empty(30, dtype=torch.int64, device=CUDA) for _ in range(2))
        frequencies = torch.empty(keys.inverse_frequencies.shape)
        move_rows(memory, sources, targets, 5, replace(keys, inverse_frequencies=frequencies))
        assert calls.moves == 2  # the cosines and the sines


def test_the_made_up_gpu_refuses_what_a_gpu_would_pay_for() -> None:
    with made_up_gpu() as calls:
        here, there = torch.empty(4, 5), torch.empty(4, 5, device=CUDA)
        for waits in (lambda: there[0, 0].item(), lambda: there[0].tolist(), lambda: int(there[0, 0]), there.cpu):
            with pytest.raises(AssertionError, match="waits for the GPU"):
                waits()
        for mixes in (lambda: here + there, lambda: there[:, torch.tensor([1])], lambda: torch.cat((here, there))):
            with pytest.raises((FakeTensorDeviceMismatchError, AssertionError), match="device"):
                mixes()
        assert calls.moves == 0
        there[1:3] = here[:2]
        assert (here.to(CUDA).device, calls.moves) == (CUDA, 2)
