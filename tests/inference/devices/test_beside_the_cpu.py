"""A GPU chooses the tokens that the CPU chooses, and reads the pages that the CPU reads from the disk.

The tensors are the CPU's and say that they are not.
"""

from array import array
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from inference.api import Sampling
from inference.cache.page_memory import PageMemory
from inference.prompts.healing import Allowed
from inference.sampler import Sampler, choose_tokens

COUNTS = (1, 0, 3, 2)


@dataclass(eq=False)
class Sequence:
    """As much of a live sequence as the choice of its tokens needs."""

    stream: Any
    copier: None = None
    request: Any = field(default_factory=lambda: SimpleNamespace(given=()))

    def copied(self) -> None:
        """Copy nothing."""


def chosen(logits: torch.Tensor, sampling: Sampling) -> list[list[tuple[int, float]]]:
    sequences: list[Any] = [Sequence(SimpleNamespace(is_healing=False)) for _ in COUNTS]
    sequences[3].stream = SimpleNamespace(
        is_healing=True, allowed_tokens=lambda: Allowed(array("q", [3, 5]), array("f", [0, -2]))
    )
    planned: list[Any] = [(s, SimpleNamespace(logit_tokens=n)) for s, n in zip(sequences, COUNTS, strict=True)]
    samplers: Any = {sequence: Sampler(sampling) for sequence in sequences}
    rows = choose_tokens(planned, samplers, logits, logits.shape[1])
    return [[(token, round(logprob, 5)) for token, logprob in row] for row in rows]


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.7, 0.9, 4)], ids=["greedy", "sampled"])
def test_tokens_that_are_read_at_once_are_those_of_the_cpu(sampling: Sampling, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.randn(sum(COUNTS), 40, generator=torch.Generator().manual_seed(1))
    on_cpu = chosen(logits, sampling)
    assert [len(row) for row in on_cpu] == [*COUNTS]
    assert {token for token, _ in on_cpu[3]} <= {3, 5}
    monkeypatch.setattr(torch.Tensor, "is_cpu", False)
    assert chosen(logits, sampling) == on_cpu


def test_a_sequence_that_passes_over_wrong_drafts_leaves_the_others_their_tokens() -> None:
    """The likeliest tokens of a step are those of all its sequences, behind one another."""
    logits = torch.randn(5, 40, generator=torch.Generator().manual_seed(1))
    expected = Sampler(Sampling()).choose(logits)[0].tolist()
    sequences: list[Any] = [Sequence(SimpleNamespace(is_healing=False)) for _ in range(2)]
    planned: list[Any] = [(s, SimpleNamespace(logit_tokens=n)) for s, n in zip(sequences, (3, 2), strict=True)]
    samplers: Any = {sequence: Sampler(Sampling()) for sequence in sequences}
    likeliest = [(token, -0.5) for token in expected]
    rows = choose_tokens(planned, samplers, logits, 40, likeliest=likeliest)
    assert next(next(rows)) == likeliest[0]
    assert list(next(rows)) == likeliest[3:]


def test_a_sample_is_that_of_torchs_multinomial() -> None:
    logits = torch.randn(50, 30, generator=torch.Generator().manual_seed(2))
    tokens = Sampler(Sampling(1.0, 1.0, 9)).choose(logits)[0]
    generator = torch.Generator().manual_seed(9)
    for row, token in zip(logits, tokens.tolist(), strict=True):
        ordered, order = row.softmax(-1).sort(descending=True)
        assert token == int(order[torch.multinomial(ordered, 1, generator=generator)])


def test_bytes_of_pages_reach_a_memory_that_the_cpu_cannot_write_into(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = torch.randn(2, 5, 16, 3, generator=torch.Generator().manual_seed(3))
    memory = torch.zeros_like(wanted)
    monkeypatch.setattr(torch.Tensor, "is_cpu", False)
    source, target = PageMemory(wanted), PageMemory(memory)
    data = memoryview(source.copy_out([4, 1, 2]))
    for number, page in enumerate((4, 1, 2)):
        part = data[number * target.page_bytes : (number + 1) * target.page_bytes]
        for layer, view in enumerate(target.views(page)):
            view[:] = part[layer * len(view) : (layer + 1) * len(view)]
    assert not memory.any()
    target.store([4, 1])  # the checksum of the third was wrong
    assert torch.equal(memory[:, [1, 4]], wanted[:, [1, 4]])
    assert not memory[:, [0, 2, 3]].any()
