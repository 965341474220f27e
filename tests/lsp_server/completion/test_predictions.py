import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.completion.ghost_text.predictions import Predictions


def at(marked: str) -> Snapshot:
    """The text with the cursor at the bar."""
    before, after = marked.split("|")
    return Snapshot(Document("a.py", before + after, "python", 1), len(before))


@pytest.fixture
def predictions() -> Predictions:
    kept = Predictions()
    kept.remember(at("def f():\n    |\ng()\n"), "return 1", max_lines=1)
    return kept


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        ("def f():\n    |\ng()\n", "return 1"),
        ("def f():\n    ret|\ng()\n", "urn 1"),
        ("def f():\n    return 1|\ng()\n", ""),  # nothing is left of it
        ("def f():\n    rex|\ng()\n", ""),  # not what was predicted
        ("def f():\n    ret|\nh()\n", ""),  # something else changed below
        ("def g():\n    ret|\ng()\n", ""),  # or above
        ("def f():\n    ret|)\ng()\n", ""),  # the editor closed a bracket
        ("def f():\n|    ret\ng()\n", ""),  # before the place
    ],
)
def test_the_rest_is_known_while_the_prediction_is_typed(predictions, now, rest):
    assert predictions.rest_at(at(now), max_lines=1) == rest


def test_deleting_back_to_a_place_finds_its_prediction_again(predictions):
    predictions.remember(at("def f():\n    x|\ng()\n"), " = 2", max_lines=1)
    assert predictions.rest_at(at("def f():\n    |\ng()\n"), max_lines=1) == "return 1"


def test_the_newest_prediction_wins(predictions):
    predictions.remember(at("def f():\n    |\ng()\n"), "return 2", max_lines=1)
    assert predictions.rest_at(at("def f():\n    re|\ng()\n"), max_lines=1) == "turn 2"


def test_a_prediction_of_one_line_does_not_answer_a_question_for_several(predictions):
    assert predictions.rest_at(at("def f():\n    |\ng()\n"), max_lines=8) == ""


def test_a_typed_astral_character_is_one_character():
    kept = Predictions()
    kept.remember(at("s = '|"), "😀😀'", max_lines=1)
    assert kept.rest_at(at("s = '😀|"), max_lines=1) == "😀'"


def test_old_predictions_are_dropped():
    kept = Predictions()
    for number in range(1000):
        kept.remember(at(f"x{number} = |"), "1", max_lines=1)
    assert kept.rest_at(at("x0 = |"), max_lines=1) == ""
    assert kept.rest_at(at("x999 = |"), max_lines=1) == "1"


def test_a_line_that_is_typed_in_a_file_with_cr_lf_is_what_was_predicted():
    kept = Predictions()
    kept.remember(at("def f():\r\n    |\r\n"), "a = 1\n    b = 2", max_lines=8)
    assert kept.rest_at(at("def f():\r\n    a = 1\r\n    |\r\n"), max_lines=8) == "b = 2"


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        ("x = f(|)\n", "a, 'b'"),  # the editor closed the bracket
        ("x = f(a, '|')\n", "b"),  # and the quote
        ("x = f(|))\n", ""),
        ("x = f|)\n", "(a, 'b'"),  # which would be right as well
        ("x = |)\n", ""),  # nothing was typed
        ("x = f(a|]\n", ""),
    ],
)
def test_what_the_editor_has_closed_is_not_in_the_rest(now, rest):
    kept = Predictions()
    kept.remember(at("x = |\n"), "f(a, 'b')", max_lines=1)
    assert kept.rest_at(at(now), max_lines=1) == rest
