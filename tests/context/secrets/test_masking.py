import random
import string
from pathlib import Path

import pytest

from benchmarks.secrets.planted import PLANTED, read_forms
from context.documents.document import Document
from context.secrets.cursor import is_in_secret
from context.secrets.mask_key import mask_key
from context.secrets.masking import find_placeholders, make_placeholder, mask_document, mask_text
from tests.context.tree import KEY

FORMS = list(read_forms(PLANTED, seed=2))


def test_a_masked_text_keeps_its_length_and_lines_and_comes_back_as_it_was() -> None:
    for form in FORMS:
        masked = mask_document(Document(form.path, form.text, "", 1))
        shown = masked.document.text
        assert list(map(len, shown.split("\n"))) == list(map(len, form.text.split("\n")))
        assert masked.restore(shown) == form.text
        assert mask_text(shown, form.path) == (shown, ())


def test_a_placeholder_is_of_its_secrets_kind_and_reveals_nothing() -> None:
    rng = random.Random(1)
    for alphabet in (string.digits, "0123456789abcdef", string.ascii_uppercase + "0123", string.ascii_letters + "0123"):
        secret = "".join(rng.choices(alphabet, k=40))
        placeholder = make_placeholder(secret)
        assert len(placeholder) == len(secret)
        assert (placeholder.isupper(), placeholder.isdigit()) == (secret.isupper(), secret.isdigit())
        assert make_placeholder(secret) == placeholder
        assert not any(secret[at : at + 6] in placeholder for at in range(34))
    assert make_placeholder("p@ss-w0rd é!").isalnum()


def test_equal_secrets_have_equal_placeholders_and_others_have_others() -> None:
    text = f'first = "{KEY}"\nsecond = "{KEY}"\nthird = "{KEY[:-1]}Q"\n'
    first, second, third = mask_text(text, "a.py")[1]
    assert first.placeholder == second.placeholder != third.placeholder


def test_placeholders_are_known_by_themselves() -> None:
    rng = random.Random(2)
    random_words = " ".join("".join(rng.choices(string.ascii_letters, k=20)) for _ in range(2000))
    placeholder = make_placeholder(KEY)
    assert find_placeholders(f"{random_words}\nkey = '{placeholder}'") == {placeholder}


def test_another_key_gives_other_placeholders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before, placeholder = mask_key(), make_placeholder(KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    mask_key.cache_clear()
    try:
        file = tmp_path / "midspan" / "mask.key"
        key = mask_key()
        assert key != before
        assert make_placeholder(KEY) != placeholder
        assert find_placeholders(placeholder) == set()
        assert file.read_bytes() == key
        assert file.stat().st_mode & 0o777 == 0o600
        mask_key.cache_clear()
        assert mask_key() == key  # the next process has the same
        file.write_bytes(b"broken")
        mask_key.cache_clear()
        assert len(mask_key()) == 32 == len(file.read_bytes())
        file.unlink()
        file.parent.rmdir()
        file.parent.write_text("no folder")
        mask_key.cache_clear()
        assert len(mask_key()) == 32  # the process's own
    finally:
        mask_key.cache_clear()


def test_a_secret_is_in_no_repr() -> None:
    assert KEY not in repr(mask_text(f"key = '{KEY}'", "a.py")[1])


@pytest.mark.parametrize(
    ("path", "marked", "is_in"),
    [
        ("a.py", f"key = '{KEY[:7]}|{KEY[7:]}'\n", True),
        ("a.py", f"key = '{KEY}|'\n", True),
        ("a.py", f"key = '{KEY}'|\n", False),
        ("a.py", f"key = '{KEY}'\nx = |\n", False),
        ("a.py", "api_key = 'aX9|'\n", True),  # half written: no rule knows it yet
        ("a.py", "api_key = '|'\n", False),
        ("a.py", "api_key = load(|)\n", False),
        ("a.py", 'check(password="se|', True),
        ("a.yaml", "password: x9|\n", True),
        ("a.yaml", "password: ${DB|\n", False),
        ("a.yaml", "password_file: /run/se|\n", False),
        ("a.py", "tokens = tokenize(te|\n", False),
    ],
)
def test_a_cursor_is_in_a_secret_that_is_there_or_is_being_written(path: str, marked: str, is_in: bool) -> None:
    text, cursor = marked.replace("|", ""), marked.index("|")
    document = Document(path, text, "", 1)
    assert is_in_secret(mask_document(document), document, cursor) == is_in
