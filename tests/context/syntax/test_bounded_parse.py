"""A parse keeps nothing of its text, since documents are parsed at every key, and ends early over a hostile one."""

import random
import sys

import pytest

from context.documents.work_limit import WorkLimit, WorkLimitError
from context.syntax.bounded_parse import parse_within
from context.syntax.grammars import Grammar, grammar

SECONDS = 60.0
SOURCE = b"def area(width, height):\n    return width * height\n\n\n" * 2000


@pytest.fixture
def python() -> Grammar:
    found = grammar("python")
    assert found is not None
    return found


def test_the_text_of_a_parse_is_let_go(python: Grammar) -> None:
    data = bytes(bytearray(SOURCE))  # a text of its own, which nothing else holds
    holders = sys.getrefcount(data)
    assert parse_within(python, data, WorkLimit(SECONDS)).child_count == 2000
    assert sys.getrefcount(data) == holders


def test_the_text_of_a_parse_that_is_given_up_is_let_go(python: Grammar) -> None:
    data = bytes(bytearray(SOURCE))
    holders = sys.getrefcount(data)
    with pytest.raises(WorkLimitError):
        parse_within(python, data, WorkLimit(0))
    assert sys.getrefcount(data) == holders


def test_a_short_text_that_takes_the_time_of_a_long_one_is_given_up(python: Grammar) -> None:
    choose = random.Random(1023).choice
    data = "".join(choose(("@a\n", "a.", "/*")) for _ in range(10_000)).encode()  # a gigabyte when it is let
    with pytest.raises(WorkLimitError, match=r"it takes longer than 0\.1\d s to parse"):
        parse_within(python, data, WorkLimit(SECONDS))
