"""A packed corpus gives the same training as the corpus, on a machine without the corpus."""

import dataclasses
import json
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from training.corpus.changes import ChangedFile, find_hunks
from training.corpus.files import SourceFile
from training.corpus.pack import Corpus, read_packed, write_packed
from training.corpus.tokenizer import TextEncoder, load_run_encoder
from training.documents.document_source import DocumentSource
from training.model.checkpoints import newest_checkpoint
from training.model.shape import ModelShape
from training.release.export import load_trained
from training.run import train
from training.run.validation import Validation


@pytest.fixture
def corpus(package: list[SourceFile], encoder: TextEncoder) -> Corpus:
    odd = [SourceFile("odd.py", "name = 'ünïcödé 😀 <｜fim▁hole｜>'\r\n\tx = 1\n\n\n", ())]
    # In a cycle the first file imports the last.
    cyclic = [dataclasses.replace(package[0], imports=(len(package) - 1,)), *package[1:]]
    return Corpus([cyclic, odd], [package[:3]], encoder)


def test_the_packed_corpus_draws_the_documents_of_the_corpus(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "packed"
    tokens = write_packed(path, corpus)
    packed = read_packed(path)
    assert (packed.train, packed.held_out) == (corpus.train, corpus.held_out)
    assert tokens == sum(len(corpus.encoder.encode(file.text)) for files in corpus.train for file in files)
    assert path.stat().st_size < 2 * tokens + 100_000  # two bytes a token
    mine, theirs = (DocumentSource(one.train, one.encoder, 128, 1).fill_rows(8, 0) for one in (packed, corpus))
    assert np.array_equal(mine.inputs, theirs.inputs)
    assert np.array_equal(mine.weights, theirs.weights)


def make_changed(files: int) -> list[ChangedFile]:
    texts = [(f"{''.join(f'a{i} = {i}' + chr(10) for i in range(n, 400))}", n) for n in range(files)]
    return [
        ChangedFile(f"p/{n}.py", old, (0,), find_hunks("p.py", old, old.replace("a300 = 300", f"ünï = {n}a")))
        for old, n in texts
    ]


def test_the_changes_between_releases_are_packed_too(corpus: Corpus, tmp_path: Path) -> None:
    with_changes = dataclasses.replace(corpus, changed=[make_changed(30)], held_out_changed=[make_changed(2), []])
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    write_packed(whole, with_changes)
    packed = read_packed(whole)
    assert packed.changed == with_changes.changed
    assert packed.held_out_changed == with_changes.held_out_changed
    limit = whole.stat().st_size - 60_000
    write_packed(cut, with_changes, limit)
    assert cut.stat().st_size <= limit
    kept = read_packed(cut).changed[0]
    assert 0 < len(kept) < 30
    assert kept == with_changes.changed[0][: len(kept)]


def test_a_file_from_before_there_were_changes_is_read(corpus: Corpus, tmp_path: Path) -> None:
    path, old = tmp_path / "packed", tmp_path / "old"
    write_packed(path, corpus)
    with safe_open(path, "numpy") as file:
        header = {name: text for name, text in file.metadata().items() if name != "hunks"}
        save_file({part: file.get_tensor(part) for part in ("train", "held_out")}, old, header)
    packed = read_packed(old)
    assert packed.train == corpus.train
    assert packed.changed == packed.held_out_changed == []


def test_a_limit_keeps_whole_files_whose_imports_are_there(corpus: Corpus, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    write_packed(whole, corpus)
    limit = whole.stat().st_size - 60_000
    write_packed(cut, corpus, limit)
    assert cut.stat().st_size <= limit
    packed = read_packed(cut)
    assert packed.held_out == corpus.held_out
    assert packed.train[1] == corpus.train[1]  # the large package pays
    kept = packed.train[0]
    assert 0 < len(kept) < len(corpus.train[0])
    assert [file.text for file in kept] == [file.text for file in corpus.train[0][: len(kept)]]
    assert all(index < len(kept) for file in kept for index in file.imports)
    DocumentSource(packed.train, packed.encoder, 128, 1).fill_rows(20, 0)
    with pytest.raises(SystemExit, match="too few"):
        write_packed(cut, corpus, 1000)


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"something else")
    with pytest.raises(SystemExit, match=r"other is not a packed corpus .*training\.corpus\.pack"):
        read_packed(path)


@pytest.fixture
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
def test_the_command_trains_from_the_file_alone_until_its_limit(
    corpus: Corpus, tiny_shape: ModelShape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "packed"
    write_packed(path, corpus)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(train, "yield_to_others", lambda: None)  # it would start the tests again
    monkeypatch.setattr(train, "Validation", partial(Validation, tokens=256))
    monkeypatch.setattr(train, "ModelShape", lambda vocab_size: dataclasses.replace(tiny_shape, vocab_size=vocab_size))
    monkeypatch.setattr("torch.compile", lambda model, dynamic: model)
    options = ["--packed", str(path), "--steps", "2", "--sequence", "128", "--batch-tokens", "256", "--processes", "1"]
    monkeypatch.setattr("sys.argv", ["training", *options])
    train.main()
    folder = tmp_path / "cache" / "midspan" / "training" / "packed"
    assert not (folder.parent / "corpus").exists()
    checkpoint = newest_checkpoint(folder)
    assert checkpoint is not None
    last = json.loads((folder / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (last["step"], last["ended"]) == (2, True)
    # What is exported has the tokenizer that it was trained with.
    model, progress = load_trained(checkpoint, torch.float32)
    assert progress.run_steps == 2
    assert model.shape.vocab_size == load_run_encoder(folder).vocabulary_tokens == corpus.encoder.vocabulary_tokens
    assert progress.sequence_tokens == 128
