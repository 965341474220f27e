"""A shape's run ends with its processor seconds, and vocabularies are compared on the same text."""

import json
import math
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import torch

from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder, learn_tokenizer
from training.documents.document_source import DocumentSource
from training.experiments.held_out import HeldOutDocument, draw_held_out, measure_bits
from training.experiments.try_shapes import Candidate, count_parameters, measure, to_table, train_in_turns
from training.model.deepseek_v2 import Model
from training.model.optimizer import OptimizerSettings
from training.model.shape import ModelShape
from training.run.schedule import WARMUP_STEPS, Limit
from training.run.settings import TrainSettings
from training.run.train import Trainer

STEP_S = 5.0


@pytest.fixture(scope="module")
def held_out(package: list[SourceFile], encoder: TextEncoder) -> list[HeldOutDocument]:
    return draw_held_out([package], encoder, 160, 12, fim_rate=1.0)


def test_a_run_ends_with_its_processor_seconds_at_rate_zero(
    tiny_shape: ModelShape, encoder: TextEncoder, package: list[SourceFile], tmp_path: Path
) -> None:
    settings = TrainSettings(sequence_tokens=64, batch_tokens=64, decays=True, limit=Limit(minutes=1))
    reading = count(0.0, STEP_S)  # a step reads the clock at its beginning and at its end
    source = DocumentSource([package], encoder, 64, settings.seed)
    trainer = Trainer(tiny_shape, settings, source, clock=lambda: next(reading))
    train_in_turns({tmp_path / "run": trainer})
    steps = 60 / STEP_S
    assert trainer.progress.run_steps == steps
    assert trainer.progress.run_seconds == 60.0
    last_rate = trainer.optimizers[0].param_groups[0]["lr"]
    # The last step's rate is what was left of the run before it: one step.
    assert last_rate == pytest.approx(OptimizerSettings().muon_rate * steps / WARMUP_STEPS / steps)


def test_bits_per_character_are_of_the_same_text_in_every_vocabulary(
    held_out: list[HeldOutDocument], sources: dict[str, str], encoder: TextEncoder, tiny_shape: ModelShape
) -> None:
    small = TextEncoder(learn_tokenizer(sources.values(), vocabulary_tokens=400))
    model = Model(tiny_shape, torch.float32)
    torch.nn.init.zeros_(model.embed_tokens.weight)  # every token is as likely as any other
    bits_a_token = math.log2(tiny_shape.vocab_size)
    characters = sum(document.characters for document in held_out)
    found = {}
    for each in (encoder, small):
        tokens = sum(len(document.ids(each)) - 1 for document in held_out)
        found[each] = measure_bits(model, each, held_out, held_out)
        assert found[each].plain == pytest.approx(tokens * bits_a_token / characters, rel=1e-4)
        filled = [document for document in held_out if document.has_middle]
        answers = sum(len(each.encode(document.middle)) + 1 for document in filled)
        middles = sum(len(document.middle) for document in filled)
        assert found[each].middle == pytest.approx(answers * bits_a_token / middles, rel=1e-4)
    assert found[small].plain > 1.1 * found[encoder].plain


def test_a_document_in_its_own_vocabulary_is_the_one_that_was_drawn(
    held_out: list[HeldOutDocument], encoder: TextEncoder, package: list[SourceFile]
) -> None:
    text = "\n".join(file.text for file in package)
    assert any(document.has_middle for document in held_out)
    for document in held_out:
        ids = document.ids(encoder)
        assert ids[0] == encoder.bos
        if document.has_middle:
            assert ids[-1] == encoder.eos
            assert document.middle in text
            assert {encoder.hole, encoder.begin, encoder.end} <= set(ids)


def test_what_was_measured_is_not_measured_again(
    tiny_shape: ModelShape,
    encoder: TextEncoder,
    package: list[SourceFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def leave_as_it_is(model: Model, dynamic: bool) -> Callable[..., object]:
        return model

    monkeypatch.setattr("torch.compile", leave_as_it_is)
    monkeypatch.setattr("training.experiments.try_shapes.load_files", lambda part: [package])
    monkeypatch.setattr("training.experiments.try_shapes.load_encoder", lambda: encoder)
    monkeypatch.setattr("training.experiments.try_shapes.PLAIN_DOCUMENTS", 2)
    monkeypatch.setattr("training.experiments.try_shapes.HOLE_DOCUMENTS", 8)
    candidates = tuple(Candidate(name, tiny_shape, sequence_tokens=64) for name in ("one", "two"))
    monkeypatch.setattr("training.experiments.try_shapes.CANDIDATES", candidates)
    measure(tmp_path, ["one"], seconds=0.01)
    first = (tmp_path / "results.jsonl").read_text("utf-8")
    measure(tmp_path, ["one", "two"], seconds=0.01)
    results = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text("utf-8").splitlines()]
    assert (tmp_path / "results.jsonl").read_text("utf-8").startswith(first)
    assert [one["name"] for one in results] == ["one", "two"]
    assert [row.split(" | ")[0] for row in to_table(results).splitlines()[2:]] == ["| one", "| two"]


def test_an_expert_that_a_token_did_not_choose_is_not_at_work() -> None:
    shape = ModelShape(hidden_size=8, moe_intermediate_size=4, n_routed_experts=4, num_hidden_layers=3)
    assert count_parameters(shape, 1000) == (1000, 1000 - 2 * 3 * 3 * 8 * 4)
