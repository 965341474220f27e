"""A model that transformers saved, imported as it is or through a GGUF file, writes the tokens of transformers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.api import EngineSettings
from inference.local_engine import LocalEngine
from inference.store.import_model import import_model
from inference.store.model_store import ModelStore
from tests.inference.folders import LITE, write_folder
from tests.inference.generate import generate
from tests.inference.store.gguf_models import as_gguf

transformers = pytest.importorskip("transformers")

# Lite's depth and kinds of layers, but narrow.
LITE_IN_27_LAYERS = LITE | {"num_hidden_layers": 27}
PROMPTS = ("def area(width, height):\n    return ", "import os\n", "x" * 200, "for line in open(path):\n\tprint(")
NEW_TOKENS = 24


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights that transformers has loaded and saved again."""
    folder = tmp_path_factory.mktemp("models")
    random = write_folder(folder / "random", LITE_IN_27_LAYERS, seed=11)
    model = transformers.DeepseekV2ForCausalLM.from_pretrained(random, dtype=torch.float32)
    model.save_pretrained(folder / "saved")
    (folder / "saved" / "tokenizer.json").write_bytes((random / "tokenizer.json").read_bytes())
    return folder / "saved"


def reply_of_transformers(model: Any, prompt: list[int]) -> list[int]:
    tokens = torch.tensor([prompt])
    output = model.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None
    )
    reply: list[int] = output[0, len(prompt) :].tolist()
    return reply


@pytest.fixture(scope="module")
def replies(saved: Path) -> list[bytes]:
    model = transformers.DeepseekV2ForCausalLM.from_pretrained(saved, dtype=torch.float32).eval()
    with torch.inference_mode():
        return [bytes(reply_of_transformers(model, list(prompt.encode()))) for prompt in PROMPTS]


@pytest.fixture(params=["safetensors", "gguf"])
def engine(request: pytest.FixtureRequest, saved: Path, tmp_path: Path) -> Iterator[LocalEngine]:
    source = saved if request.param == "safetensors" else as_gguf(saved, tmp_path / "lite.gguf")
    folder = import_model(ModelStore(tmp_path / "store"), source, None)
    engine = LocalEngine(EngineSettings(model=folder, cache_bytes=64 << 20, dtype="float32"))
    engine.ready.result(timeout=60)
    yield engine
    engine.close()


def test_both_ways_write_the_tokens_that_transformers_writes(engine: LocalEngine, replies: list[bytes]) -> None:
    assert len(set(replies)) == len(PROMPTS)  # the replies depend on the prompts
    for prompt, reply in zip(PROMPTS, replies, strict=True):
        output = generate(engine, list(prompt.encode()), max_new_tokens=NEW_TOKENS)
        assert output.reason == "length"
        assert output.text == reply.decode(errors="replace")
