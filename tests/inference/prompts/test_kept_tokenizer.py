"""A tokenizer that was made once is read from the cache, and is the same."""

from pathlib import Path

import pytest

from inference.prompts import kept_tokenizer
from inference.prompts.families import QWEN2, Family
from inference.prompts.kept_tokenizer import read_kept_tokenizer
from inference.prompts.tokenizer import Tokenizer
from midspan import ModelError
from tests.inference.folders import QWEN, write_folder

TEXT = "def f(x):\n    return x + 1  # 日本語 🙂é\r\n\n\tisfile\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept_tokenizer, "_LEAST_BYTES", 1)
    return tmp_path / "cache" / "midspan" / "tokenizers"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "model", QWEN)


def refuse(*_arguments: object) -> None:
    raise ModelError("the file is parsed")


def seen(tokenizer: Tokenizer) -> object:
    tokens = tokenizer.encode(TEXT)
    spelled = [tokenizer.token_bytes(token) for token in range(tokenizer.vocab_size)]
    words = [tokenizer.spellings.allowed(text) for text in (b"is", b"\n", b"x")]
    return tokens, tokenizer.sentinels, spelled, tokenizer.begun_word("import isf"), words, tokenizer._cut


def test_a_kept_tokenizer_is_the_one_that_was_made(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = seen(Tokenizer(folder, QWEN2))
    monkeypatch.setattr("inference.prompts.tokenizer.parse_tokenizer", refuse)
    monkeypatch.setattr("inference.prompts.tokenizer.pass_trial", refuse)
    assert seen(Tokenizer(folder, QWEN2)) == made


def test_another_content_is_made_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Tokenizer(folder, QWEN2)
    file = folder / "tokenizer.json"
    file.write_text(file.read_text() + "\n")
    monkeypatch.setattr("inference.prompts.tokenizer.parse_tokenizer", refuse)
    with pytest.raises(ModelError, match="is parsed"):
        Tokenizer(folder, QWEN2)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:40] + b"\0" + data[41:], lambda _: b""])
def test_a_damaged_file_is_made_again(folder: Path, cache: Path, damage: object) -> None:
    made = seen(Tokenizer(folder, QWEN2))
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))  # type: ignore[operator]  # a parameter is an object to mypy
    assert read_kept_tokenizer((folder / "tokenizer.json").read_bytes()) is None
    assert seen(Tokenizer(folder, QWEN2)) == made
    assert kept.read_bytes() == whole


def test_a_refused_tokenizer_is_not_kept(folder: Path, cache: Path) -> None:
    (folder / "tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": {}}}')
    with pytest.raises(ModelError):
        Tokenizer(folder, QWEN2)
    assert not cache.exists()


def test_only_the_newest_are_kept_and_only_the_user_may_read_them(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_tokenizer, "_MOST_FILES", 2)
    file = folder / "tokenizer.json"
    for _ in range(4):
        file.write_text(file.read_text() + "\n")
        Tokenizer(folder, QWEN2)
    assert len(list(cache.iterdir())) == 2
    assert read_kept_tokenizer(file.read_bytes()) is not None
    assert cache.stat().st_mode & 0o077 == 0


def test_a_small_tokenizer_is_not_worth_a_file(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_tokenizer, "_LEAST_BYTES", 1 << 30)
    family: Family = QWEN2
    Tokenizer(folder, family)
    assert not cache.exists()
