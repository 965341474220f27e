"""In each case about names, the name stands once, in the other file."""

import re

import pytest

from evaluation import names
from evaluation.names import NameCase
from evaluation.questions import Fill


@pytest.mark.parametrize("case", names.read_cases(), ids=lambda case: case.title)
def test_a_name_stands_once_in_the_other_file_and_not_before_the_cursor(case: NameCase) -> None:
    begun = re.search(r"\w+$", case.before)
    assert begun is not None
    name = begun.group() + case.wanted
    assert len(re.findall(rf"\b{name}\b", case.other)) == 1
    assert name not in case.before + case.after
    assert re.match(r"\w", case.after) is None


def test_only_the_whole_name_is_right() -> None:
    case = names.read_cases()[0]
    assert names.judge(case, Fill(f"{case.wanted}(order)", "eos")) == {"right": 1.0}
    assert names.judge(case, Fill(case.wanted, "eos")) == {"right": 1.0}
    for line in ("", case.wanted[:-1], f"{case.wanted}s(order)", f"{case.wanted}_2", f" {case.wanted}"):
        assert names.judge(case, Fill(line, "eos")) == {"right": 0.0}


def test_there_are_twenty_of_them() -> None:
    assert len({case.title for case in names.read_cases()}) == 20
