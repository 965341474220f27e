"""The verdict on a text that is shown at a pause, and the figures of many pauses."""

import pytest

from evaluation.typist.judgement import Pause, figures_of, judge
from evaluation.typist.typist import keys_in

COMING = "fetch(name, 2)\nreturn name"
NEXT = len("fetch(")


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        ("fetch(name, 2)", "right"),  # to the end of the line
        ("fetch(", "right"),  # to the next pause
        ("fetch(name, 2)\nreturn name", "right"),
        ("fetch(name, 2)  ", "right"),
        ("fetch", "harmless"),  # all of it comes, and the pause is not reached
        ("fetch(other)", "harmless"),  # the beginning is right
        ("fetch(name, 2)\nreturn other", "harmless"),
        ("fet_all()", "wrong"),
        ("load(name)", "wrong"),
    ],
)
def test_a_text_is_right_when_all_of_it_comes(shown: str, verdict: str) -> None:
    assert judge(shown, COMING, NEXT) == verdict


@pytest.mark.parametrize(("coming", "shown"), [("", "x"), ("\nreturn name", ".x()"), ("\nreturn name", "\nraise")])
def test_at_the_end_of_a_line_only_the_next_line_is_right(coming: str, shown: str) -> None:
    assert judge(shown, coming, len("\nreturn ")) == "wrong"
    assert judge("\nreturn name", "\nreturn name", len("\nreturn ")) == "right"


def test_the_figures_are_shares_of_what_they_say() -> None:
    pauses = [
        Pause("right", saved_keys=9),
        Pause("right", saved_keys=1),
        Pause("wrong", is_gone=True),
        Pause("harmless"),
        *[Pause()] * 4,
    ]
    figures = figures_of(pauses, lines=3, typed_characters=50)
    assert (figures["shown_rate"], figures["right_of_shown"], figures["flicker"]) == (0.5, 0.5, 0.25)
    assert (figures["saved_per_100"], figures["right"], figures["harmless"], figures["wrong"]) == (20.0, 2, 1, 1)
    nothing = figures_of([], lines=0, typed_characters=0)
    assert (nothing["shown_rate"], nothing["right_of_shown"], nothing["saved_per_100"]) == (0, 0, 0)


def test_indentation_that_an_editor_types_is_no_key() -> None:
    assert keys_in("x = 1\n        y = 2\n        return x") == 5 + 1 + 5 + 1 + 8
    assert keys_in("x\n\n    y") == 1 + 1 + 2
