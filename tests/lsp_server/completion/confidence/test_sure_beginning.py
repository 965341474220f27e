"""The beginning of a text is shown that is likely enough right and saves the most keys."""

import math

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.completion.confidence.confidence_table import UNCALIBRATED
from lsp_server.completion.confidence.sure_beginning import best_beginning, place_of_cursor, stops_in, sure_beginning

CURSOR = "‸"


def snapshot_at(marked: str) -> Snapshot:
    before, after = marked.split(CURSOR)
    return Snapshot(Document("a.py", before + after, "python", 0), len(before))


def shown(*tokens: tuple[str, float], at: str = "x = ‸\n", text: str | None = None, eagerness: str = "medium") -> str:
    """Return what is shown of a text that was written in these tokens, each with its probability."""
    raw, written = "", []
    for piece, probability in tokens:
        raw += piece
        written.append((len(raw), math.log(probability)))
    return sure_beginning(raw if text is None else text, raw, written, snapshot_at(at), UNCALIBRATED, eagerness)  # type: ignore[arg-type]  # a word of the settings


def test_a_text_is_cut_where_the_model_begins_to_doubt() -> None:
    assert shown(("fetch", 0.9), ("(", 0.9), ("name", 0.2), (")", 0.9)) == "fetch("
    assert shown(("fetch", 0.9), ("(", 0.9), ("name", 0.9), (")", 0.9)) == "fetch(name)"
    assert shown(("fetch", 0.3), ("(", 0.9), ("name", 0.9), (")", 0.9)) == ""


def test_a_longer_text_has_to_be_worth_its_doubt() -> None:
    assert shown(("fetch", 0.97), ("(", 0.98), ("retrieve", 0.53)) == "fetch("
    assert shown(("f", 0.9), ("(", 0.99), ("retrieve_all", 0.6)) == "f(retrieve_all"


def test_no_word_is_cut_in_two() -> None:
    assert shown(("fet", 0.95), ("ched", 0.3)) == ""
    assert shown(("fetched", 0.95), (" = re", 0.9), ("sult", 0.2)) == "fetched ="


@pytest.mark.parametrize(("probability", "words"), [(0.65, "low medium high"), (0.5, "medium high"), (0.3, "high")])
def test_eagerness_is_the_least_chance(probability: float, words: str) -> None:
    for eagerness in ("low", "medium", "high"):
        assert bool(shown(("name", probability), eagerness=eagerness)) == (eagerness in words.split())


def test_a_single_character_saves_no_key() -> None:
    assert shown((")", 0.99)) == ""
    assert shown((")", 0.99), (":", 0.99)) == "):"


def test_what_cleaning_has_changed_is_shown_whole_or_not_at_all() -> None:
    assert shown(("\ta()", 0.9), ("\n\tb()", 0.2), text="    a()\n    b()", at="    ‸\n") == ""
    assert shown(("\ta()", 0.9), ("\n\tb()", 0.9), text="    a()\n    b()", at="    ‸\n") == "    a()\n    b()"


def test_a_text_of_several_lines_may_end_with_each_line() -> None:
    tokens = ("a()", 0.95), ("\n    ", 0.95), ("b()", 0.2)
    assert shown(*tokens, at="    ‸\n") == "a()"
    assert stops_in("a\n\n    b") == [1, 8]


@pytest.mark.parametrize(
    ("marked", "place"),
    [("    ‸\n", "start"), ("‸", "start"), ("x = fo‸\n", "word"), ("x = ‸\n", "inside"), ("a\r\n‸", "start")],
)
def test_the_place_of_a_cursor(marked: str, place: str) -> None:
    assert place_of_cursor(snapshot_at(marked)) == place


def test_indentation_of_later_lines_is_no_key_that_is_saved() -> None:
    beginnings = [("return x", 0.8), ("return x\n        y = 1", 0.55)]
    assert best_beginning(beginnings, 0.4) == "return x"
