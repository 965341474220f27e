"""Our forward pass equals transformers' on random checkpoints, in fp32."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.cache.allocate_memory import allocate_memory
from inference.loader import load_model
from inference.models.batch import Work, pack_batch
from inference.models.decoder import Decoder
from inference.models.deepseek_v2_config import DeepseekV2Config, parse_deepseek_v2
from tests.inference.folders import CODER_V1, LARGE, LITE, MSCALE_ONE, QWEN, config_of, write_folder

transformers = pytest.importorskip("transformers")
CPU = torch.device("cpu")
PAST_ORIGINAL_CONTEXT = 4200  # also that of Coder v1: 16384 / 4


def load_both(folder: Path, config: dict[str, Any]) -> tuple[Decoder, Any]:
    write_folder(folder, config, seed=3)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ours = load_model(folder, config_of(config), torch.float32, CPU)
    return ours, theirs.eval()


def new_memory(model: Decoder, tokens: int) -> torch.Tensor:
    """Memory full of NaN, so that an entry that is read before it is written shows."""
    memory = allocate_memory(len(model.layers), tokens // 16 + 1, model.config.page_width, torch.float32, CPU)
    return memory.fill_(float("nan"))


def all_logits(model: Decoder, tokens: list[int], memory: torch.Tensor, start: int = 0) -> torch.Tensor:
    """Logits of every token from `start`; the pages are used in reverse, as after many evictions."""
    pages = list(reversed(range(memory.shape[1])))
    batch = pack_batch([Work(tokens[start:], start, pages, 1)], CPU)
    return model.forward(replace(batch, logit_rows=torch.arange(len(tokens) - start)), memory)


CONFIGS = {"lite": LITE, "large": LARGE, "mscale_one": MSCALE_ONE, "coder_v1": CODER_V1, "qwen": QWEN}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("length", [60, PAST_ORIGINAL_CONTEXT])
def test_logits_equal_transformers(name: str, length: int, tmp_path: Path) -> None:
    ours, theirs = load_both(tmp_path, CONFIGS[name])
    tokens = torch.randint(0, 256, (length,), generator=torch.Generator().manual_seed(5)).tolist()
    with torch.inference_mode():
        expected = theirs(torch.tensor([tokens])).logits[0]
        got = all_logits(ours, tokens, new_memory(ours, length))
    assert expected.std() > 0.1  # a flat output would agree with anything
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_short_tail_after_a_long_prefix_equals_transformers(name: str, tmp_path: Path) -> None:
    ours, theirs = load_both(tmp_path, CONFIGS[name])
    length, tail = PAST_ORIGINAL_CONTEXT, 7
    if isinstance(ours.config, DeepseekV2Config):  # absorbed after expanded
        assert tail < ours.config.absorb_below_tokens < length - tail
    tokens = torch.randint(0, 256, (length,), generator=torch.Generator().manual_seed(6)).tolist()
    memory = new_memory(ours, length)
    with torch.inference_mode():
        expected = theirs(torch.tensor([tokens])).logits[0, -tail:]
        all_logits(ours, tokens[:-tail], memory)
        got = all_logits(ours, tokens, memory, start=length - tail)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_tokens_equal_transformers(name: str, tmp_path: Path) -> None:
    ours, theirs = load_both(tmp_path, CONFIGS[name])
    tokens = torch.randint(0, 256, (45,), generator=torch.Generator().manual_seed(7)).tolist()
    memory = new_memory(ours, 200)
    with torch.inference_mode():
        prompt = torch.tensor([tokens])
        reply = theirs.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=40, do_sample=False, eos_token_id=None
        )
        got = list(tokens)
        start = 0
        for _ in range(40):
            logits = all_logits(ours, got, memory, start)
            start = len(got)
            got.append(int(logits[-1].argmax()))
    assert got == reply[0].tolist()


def test_released_spelling_of_the_rope_block_is_the_same_model(tmp_path: Path) -> None:
    released = {k: v for k, v in LITE.items() if k != "rope_parameters"}
    scaling = dict(LITE["rope_parameters"])  # type: ignore[call-overload]  # LITE's values are of many types
    released |= {"rope_theta": scaling.pop("rope_theta"), "rope_scaling": scaling}
    scaling["type"] = scaling.pop("rope_type")
    path = tmp_path / "config.json"
    assert parse_deepseek_v2(json.loads(json.dumps(released)), path) == parse_deepseek_v2(LITE, path)
