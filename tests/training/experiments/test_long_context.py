"""Losses by the place in a long document: each token is scored once, from the tokens that its way shows."""

from pathlib import Path

import pytest
import torch

from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.experiments.long_context import BOUNDS, Released, by_place, long_documents, nats_of_windows, open_released
from training.model.checkpoints import Progress
from training.model.deepseek_v2 import Model
from training.model.shape import ModelShape
from training.release.export import export_model

CONTEXT_TOKENS = 32


@pytest.fixture(scope="module")
def released(tiny_shape: ModelShape, encoder: TextEncoder, tmp_path_factory: pytest.TempPathFactory) -> Released:
    torch.manual_seed(3)
    model = Model(tiny_shape, torch.float32)
    for parameter in model.parameters():  # so that what it sees matters
        parameter.data += 0.2 * torch.randn_like(parameter)
    folder: Path = tmp_path_factory.mktemp("released")
    export_model(model, encoder, Progress(sequence_tokens=CONTEXT_TOKENS), folder, torch.float32)
    return open_released(folder)


def test_a_window_scores_each_token_once_from_the_nearest_ones(released: Released) -> None:
    ids = torch.randint(0, released.config.vocab_size, (100,), generator=torch.Generator().manual_seed(5)).tolist()
    runner = released.runner(None)
    with torch.inference_mode():
        losses = nats_of_windows(runner, ids, CONTEXT_TOKENS)
        assert len(losses) == len(ids) - 1
        half = CONTEXT_TOKENS // 2
        for start in (CONTEXT_TOKENS, CONTEXT_TOKENS + half):  # the first token of a window sees half of it
            seen = [ids[0], *ids[start - half + 1 : start]]
            wanted = -runner.logits(seen, 0, 1).log_softmax(-1)[0, ids[start]]
            assert losses[start - 1].item() == pytest.approx(wanted.item(), abs=1e-4)


def test_yarn_changes_what_the_engine_computes_and_1_does_not(released: Released) -> None:
    ids = list(range(60))
    with torch.inference_mode():
        plain, once, twice = (
            released.runner(yarn).logits(ids, 0, 60) for yarn in (None, released.yarn(1.0), released.yarn(2.0))
        )
    assert torch.allclose(plain, once, atol=1e-4)
    assert not torch.allclose(plain, twice, atol=1e-2)


def test_losses_are_summed_where_they_stand(encoder: TextEncoder, package: list[SourceFile]) -> None:
    (ids, *_) = long_documents([package], encoder, BOUNDS[-1])
    assert len(ids) == BOUNDS[-1]
    places = torch.zeros(len(ids) - 1)
    places[BOUNDS[2] - 1 : BOUNDS[3] - 1] = 1.0  # the losses of the tokens from the third bound on
    bits = by_place([ids], encoder, lambda _: places)
    assert [one > 0 for one in bits] == [False, False, True, False, False]
