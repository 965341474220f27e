"""Names of one module that get its prefix one after another: those that lack it follow."""

import pytest

from tests.context.next_edit.typing_user import TypingUser

BODY = """
import pandas as pd

def test_one():
    index = Index([1])
    frame = Frame(index)
    other = Series([print, index])
    return local_offset, Own(other), offsets.Day
"""


def prefixed(head: str, names: list[str], old: str = "", new: str = "") -> list[str]:
    """Give the names the prefix, and then change the head; return what is proposed."""
    user = TypingUser({"test_one.py": f"{head}{BODY}"})
    for name in names:
        user.replace(f"{name}(", f"pd.{name}(")
    if old:
        user.replace(old, new)
    return [one.text for one in user.propose()]


def test_other_names_of_the_same_import_get_the_prefix() -> None:
    head = "from pandas import Frame, Index, Series\nfrom parts import local_offset, offsets, Own\n"
    assert prefixed(head, ["Index", "Frame"]) == ["pd.Series"]
    assert prefixed(head, ["Index"]) == []  # one name says nothing of others
    assert prefixed(head, ["Index", "Own"]) == []  # they come from two modules


def test_the_names_of_an_import_that_is_no_more_get_the_prefix() -> None:
    head = "from pandas import Frame, Index, Series\nfrom parts import local_offset, offsets, Own\n"
    texts = prefixed(head, ["Index", "Frame"], "from pandas import Frame, Index, Series\n", "")
    assert texts == ["pd.Series"]


def test_names_that_nothing_binds_get_the_prefix_behind_names_that_nothing_binds() -> None:
    assert prefixed("from parts import local_offset, Own\n", ["Index", "Frame"]) == ["pd.Series"]


@pytest.mark.parametrize("head", ["from parts import *\n", "Frame = object\n"])
def test_names_that_may_come_from_elsewhere_do_not(head: str) -> None:
    assert prefixed(head, ["Index", "Frame"]) == []
