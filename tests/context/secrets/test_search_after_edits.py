"""A text that is edited is searched around its edits, and the result is that of a search of all of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from benchmarks.secrets.planted import HARMLESS, PLANTED, read_forms
from context.documents.document import Document
from context.secrets import find_secrets as door
from context.secrets.assignments import LOOKS_AHEAD
from context.secrets.find_secrets import search
from context.secrets.masking import mask_document, mask_text

FORMS = [form.text for form in (*read_forms(PLANTED, seed=3), *read_forms(HARMLESS, seed=3))]
PATHS = ["a.py", "app.yaml", "prod.env", "Dockerfile", "notes.md", "main.tf", "Main.java", "config.json"]
# What begins, ends and joins the places in which rules look for secrets.
PIECES = [
    *("-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n", "kind: Secret\n", "data:\n", "---\n"),
    *("token ", "msg.", "password", "api_key", "sk-", "Bearer ", "://user:", "@host", "Q7RZ3MXW5TN8K2LV" * 90),
    *(
        "x = 1\n",
        "\n",
        "\r\n",
        "a" * 50,
        "é",
        "日",
        "…",
        "  ",
        '"',
        "'",
        "`",
        '"""',
        "(",
        "{",
        "=",
        ":",
        " ",
        "\\",
        "#",
    ),
]


def planted_text(rng: Random) -> str:
    return "".join(planted_piece(rng) for _ in range(rng.randrange(1, 40)))


def planted_piece(rng: Random) -> str:
    return rng.choice(FORMS) + "\n" if rng.random() < 0.5 else "".join(rng.choices(PIECES, k=rng.randrange(60)))


def edits(rng: Random, text: str, count: int) -> Iterator[str]:
    """Yield the text after each of some edits: keys, deletions, and pastes of a secret or of a piece of one."""
    for _ in range(count):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([0, 0, 0, 1, 1, 2, 5, 20, 100, 1000]))
        pasted = (rng.choice("aZ9 \n='\":/-_."), rng.choice(PIECES), planted_piece(rng), "")
        text = text[:start] + rng.choices(pasted, [4, 2, 2, 2])[0] + text[end:]
        yield text


@pytest.mark.parametrize("seed", range(40))
def test_masking_after_an_edit_gives_what_masking_from_scratch_gives(seed: int) -> None:
    rng = Random(seed)
    text, path = planted_text(rng), rng.choice(PATHS)
    document = Document(path, text, "", 1, last_results=WeakKeyDictionary())
    before = search(text, path)
    mask_document(document)
    for edited in edits(rng, text, 20):
        before = search(edited, path, before)
        assert before == search(edited, path)
        document = replace(document, text=edited)
        masked = mask_document(document)
        assert (masked.document.text, masked.secrets) == mask_text(edited, path)


def noting_length(find: Callable[..., Any], read: list[int]) -> Callable[..., Any]:
    """Return the function, which notes first how much of the text lies between its last two arguments."""

    def find_noting(*arguments: Any) -> Any:
        read.append(arguments[-1] - arguments[-2])
        return find(*arguments)

    return find_noting


def test_a_key_in_a_long_text_has_the_lines_around_it_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(FORMS) + 2000 * "some = code(without, any) + secret\n"
    before = search(text, "a.py")
    place = len(text) // 2
    edited = f"{text[:place]}x{text[place:]}"
    read: list[int] = []
    for name in ("find_secrets_in_headers", "find_assigned_secrets", "find_keywords"):
        monkeypatch.setattr(door, name, noting_length(getattr(door, name), read))
    after = search(edited, "a.py", before)
    assert len(read) == 3
    assert max(read) < LOOKS_AHEAD + 200 < len(text) / 10
    assert len(after.findings) == len(before.findings) > 100
    assert sum(known is before.tries.get(place) for place, known in after.tries.items()) > len(after.tries) / 2
