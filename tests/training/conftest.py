"""A small tokenizer and a small corpus for the training tests, both from the recipe's own files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from training.corpus.build import order_files
from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder, learn_tokenizer
from training.model.shape import ModelShape

SOURCES = Path(__file__).parents[2] / "training"


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Run on one thread: two threads wait for each other at every tiny product when the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sources() -> dict[str, str]:
    """The recipe's own files by path."""
    return {p.relative_to(SOURCES.parent).as_posix(): p.read_text("utf-8") for p in sorted(SOURCES.rglob("*.py"))}


@pytest.fixture(scope="session")
def package(sources: dict[str, str]) -> list[SourceFile]:
    return order_files(sources)


@pytest.fixture(scope="session")
def encoder(sources: dict[str, str]) -> TextEncoder:
    return TextEncoder(learn_tokenizer(sources.values(), vocabulary_tokens=700))


@pytest.fixture(scope="session")
def tiny_shape(encoder: TextEncoder) -> ModelShape:
    return ModelShape(
        vocab_size=encoder.vocabulary_tokens,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        kv_lora_rank=16,
        qk_nope_head_dim=8,
        qk_rope_head_dim=8,
        v_head_dim=12,
        n_routed_experts=4,
        moe_intermediate_size=24,
        intermediate_size=48,
        max_position_embeddings=128,
    )
