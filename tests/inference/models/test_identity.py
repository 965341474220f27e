"""Models that were not trained to fill a hole or to chat say so."""

import re
from pathlib import Path
from typing import Any

import pytest

from inference.models.identity import parse_identity
from inference.prompts.families import DEEPSEEK_V1, DEEPSEEK_V2, QWEN2, Family
from inference.store.catalogue import read_catalogue
from midspan import ModelError
from tests.inference.folders import LITE

LARGE: dict[str, Any] = LITE | {"hidden_size": 5120}


def test_our_own_folders_say_what_they_were_trained_for() -> None:
    block = {"name": "m", "fim_orders": ["spm"], "context_tokens": 99}
    own = parse_identity(LITE | {"midspan": block}, Path("models/x"), DEEPSEEK_V2)
    assert (own.name, own.fim_orders, own.fim_advice, own.context_tokens) == ("m", ("spm",), None, 99)
    with pytest.raises(ModelError, match="unknown FIM order 'mps'"):
        parse_identity(LITE | {"midspan": {"fim_orders": ["mps"]}}, Path("models/x"), DEEPSEEK_V2)
    with pytest.raises(ModelError, match="tuned_for_chat in midspan must be true or false"):
        parse_identity(LITE | {"midspan": {"tuned_for_chat": "yes"}}, Path("models/x"), DEEPSEEK_V2)


@pytest.mark.parametrize(
    ("folder", "config", "family"),
    [
        ("DeepSeek-Coder-V2-Lite-Base", LITE, DEEPSEEK_V2),
        ("deepseek-coder-1.3b-base", LITE, DEEPSEEK_V1),
        ("Qwen2.5-Coder-1.5B", LITE, QWEN2),
    ],
)
def test_base_models_fill_holes(folder: str, config: dict[str, Any], family: Family) -> None:
    identity = parse_identity(config, Path(folder), family)
    assert (identity.name, identity.fim_orders, identity.fim_advice) == (folder, ("psm",), None)
    assert identity.context_tokens == 163840


@pytest.mark.parametrize(
    ("folder", "config", "family", "advice"),
    [
        ("DeepSeek-Coder-V2-Base", LARGE, DEEPSEEK_V2, "236B .* take DeepSeek-Coder-V2-Lite-Base"),
        ("DeepSeek-Coder-V2-Lite-Instruct", LITE, DEEPSEEK_V2, "tuned for chat.*take DeepSeek-Coder-V2-Lite-Base"),
        ("models--d--deepseek-coder-6.7b-instruct/snapshots/e5d6", LITE, DEEPSEEK_V1, "take deepseek-coder-1.3b-base"),
    ],
)
def test_a_model_that_cannot_fill_says_why_and_what_to_take(
    folder: str, config: dict[str, Any], family: Family, advice: str
) -> None:
    identity = parse_identity(config, Path(folder), family)
    assert identity.fim_orders == ()
    assert re.search(advice, str(identity.fim_advice))


def test_qwen_instruct_fills_with_a_warning() -> None:
    identity = parse_identity(LITE, Path("Qwen2.5-Coder-0.5B-Instruct"), QWEN2)
    assert identity.fim_orders == ("psm",)
    assert "take Qwen2.5-Coder-1.5B" in str(identity.fim_advice)


@pytest.mark.parametrize(
    ("folder", "family", "take"),
    [
        ("DeepSeek-Coder-V2-Lite-Base", DEEPSEEK_V2, "deepseek-coder-v2-lite-instruct"),
        ("deepseek-coder-1.3b-base", DEEPSEEK_V1, "deepseek-coder-1.3b-instruct"),
        ("Qwen2.5-Coder-1.5B", QWEN2, "qwen2.5-coder-1.5b-instruct"),
    ],
)
def test_a_base_model_cannot_chat_and_names_one_that_the_catalogue_has(folder: str, family: Family, take: str) -> None:
    advice = str(parse_identity(LITE, Path(folder), family).chat_advice)
    assert f"midspan model pull {take}" in advice
    assert "chat" in read_catalogue(Path("nowhere"))[take].use


@pytest.mark.parametrize("folder", ["DeepSeek-Coder-V2-Lite-Instruct", "DeepSeek-V2-Lite-Chat", "qwen-instruct"])
def test_models_that_are_tuned_for_chat_chat(folder: str) -> None:
    assert parse_identity(LITE, Path(folder), DEEPSEEK_V2).chat_advice is None
