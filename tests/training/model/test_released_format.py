"""Training without a checkpoint continues from the weights that ship."""

import dataclasses
from pathlib import Path

import torch

from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.documents.document_source import DocumentSource
from training.model.checkpoints import Progress
from training.model.deepseek_v2 import Model
from training.model.released_format import has_shape, load_release, text_only_tokenizer
from training.model.shape import ModelShape
from training.release.export import export_model
from training.run.settings import TrainSettings
from training.run.train import Trainer

TEXT = "def f(x):\n    return x  # <｜fim▁hole｜>\n"


def test_training_goes_on_from_released_weights(
    tiny_shape: ModelShape, encoder: TextEncoder, package: list[SourceFile], tmp_path: Path
) -> None:
    settings = TrainSettings(sequence_tokens=128, batch_tokens=256, seed=9)
    source = DocumentSource([package], encoder, settings.sequence_tokens, settings.seed)
    first = Trainer(tiny_shape, settings, source)
    for _ in range(30):
        last_loss = first.step()["loss"]
    export_model(first.model, encoder, first.progress, tmp_path, torch.float32)
    second = Trainer(tiny_shape, settings, source)
    second.start_from(tmp_path)
    for name, value in first.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], value), name
    assert second.progress.tokens == 30 * 256
    assert second.progress.next_document == first.progress.next_document
    assert second.step()["loss"] < last_loss + 0.5
    assert second.progress.step == 31


def test_only_a_model_of_the_same_shape_is_gone_on_from(
    tiny_shape: ModelShape, encoder: TextEncoder, tmp_path: Path
) -> None:
    assert not has_shape(tmp_path, tiny_shape)
    export_model(Model(tiny_shape), encoder, Progress(sequence_tokens=128), tmp_path)
    assert has_shape(tmp_path, tiny_shape)
    assert not has_shape(tmp_path, dataclasses.replace(tiny_shape, num_hidden_layers=4))


def test_the_released_tokenizer_encodes_text_as_it_was_trained(
    tiny_shape: ModelShape, encoder: TextEncoder, tmp_path: Path
) -> None:
    model = Model(tiny_shape)
    export_model(model, encoder, Progress(step=7, tokens=70, sequence_tokens=128), tmp_path)
    again = TextEncoder(text_only_tokenizer(tmp_path))
    assert again.encode(TEXT) == encoder.encode(TEXT)
    assert (again.bos, again.eos, again.vocabulary_tokens) == (encoder.bos, encoder.eos, encoder.vocabulary_tokens)
    assert load_release(tmp_path, model) == Progress(step=7, tokens=70, sequence_tokens=128)
