"""The number of tokens that a step reads, by what steps have taken."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from inference.chunk_size import ChunkSize


@dataclass
class Took:
    """A complete step of so many tokens, each of which took so long in a sublayer."""

    new_tokens: int
    sublayer_s: float
    is_ahead: bool = False


@dataclass
class Sequence:
    left_tokens: int = 1000
    num_computed_tokens: int = 0
    request: Any = field(default_factory=lambda: SimpleNamespace(background=True, is_ahead=False))


def choose(size: ChunkSize, *, is_ahead: bool) -> int:
    request: Any = SimpleNamespace(background=True, is_ahead=is_ahead)
    return size.choose([Sequence(request=request)], is_background=True)  # type: ignore[list-item]  # as far as asked


@pytest.fixture
def size() -> ChunkSize:
    return ChunkSize(256, expands_context=False, is_cpu=True)


def test_a_chunk_shrinks_where_a_layer_takes_long(size: ChunkSize) -> None:
    assert choose(size, is_ahead=False) == 256
    for took_s in (0.02, 0.3, 0.02):  # another program held up one of the three
        size.learn(Took(256, took_s))  # type: ignore[arg-type]  # as far as asked
    assert choose(size, is_ahead=False) == 128
    for _ in range(3):
        size.learn(Took(128, 1.0))  # type: ignore[arg-type]  # as far as asked
    assert choose(size, is_ahead=False) == 64, "and no further"


def test_what_takes_one_core_has_chunks_of_its_own(size: ChunkSize) -> None:
    size.learn(Took(256, 0.02, is_ahead=True))  # type: ignore[arg-type]  # as far as asked
    assert choose(size, is_ahead=True) == 128
    assert choose(size, is_ahead=False) == 256
    size.learn(Took(256, 0.01))  # type: ignore[arg-type]  # as far as asked
    assert choose(size, is_ahead=True) == 128, "the same chunk on all cores was faster"
