"""The weights of the evidence are those by which places are as sure as they are right."""

import math

import pytest

from evaluation.next_edit.cases import all_cases, diff_files
from evaluation.next_edit.fit_evidence import JudgedSite, collect, fit, held_out
from evaluation.next_edit.release_folder import Texts


def sites(package: str, sign: str, right: int, wrong: int) -> list[JudgedSite]:
    signs = frozenset({"all sites", sign})
    return [JudgedSite(package, signs, is_right, 1.0) for is_right in [True] * right + [False] * wrong]


def chance(weights: dict[str, float], sign: str) -> float:
    return 1 / (1 + math.exp(-weights["all sites"] - weights[sign]))


def test_a_sign_makes_a_place_as_sure_as_such_places_are_right() -> None:
    weights = fit([*sites("a", "good", 900, 100), *sites("a", "bad", 100, 300), *sites("a", "rare", 3, 0)])
    assert chance(weights, "good") == pytest.approx(0.9, abs=0.01)
    assert chance(weights, "bad") == pytest.approx(0.25, abs=0.01)
    assert "rare" not in weights


def test_a_package_is_judged_by_what_the_others_taught() -> None:
    judged = held_out([*sites("a", "good", 2000, 0), *sites("b", "good", 0, 500)])
    assert {round(confidence, 1) for confidence, is_right in judged if is_right} == {0.0}
    assert {round(confidence, 1) for confidence, is_right in judged if not is_right} == {1.0}


def module(argument_kept_at: range) -> str:
    """Five functions, some of which call with one more argument."""
    arguments = (", strict=True" if number in argument_kept_at else "" for number in range(5))
    functions = (f"def read_{n}(rows):\n    value = parse(rows[{n}]{each})\n\n\n" for n, each in enumerate(arguments))
    return "from tools import parse\n\n\n" + "".join(functions)


def test_a_site_is_right_when_the_next_release_changes_it_as_the_example() -> None:
    texts = Texts("package 1..2", "python", {"a.py": module(range(5))}, {"a.py": module(range(3, 4))})
    cases = list(all_cases(texts.title, diff_files(texts.old, texts.new, texts.language)))
    first, *_ = sorted(cases, key=lambda case: len(case.made))
    found = list(collect(texts, [first]))  # the argument of the first function is gone
    assert sorted(site.is_right for site in found) == [False, True, True, True]
    assert all(site.package == "package" and {"deletion", "below", "1 examples"} < site.signs for site in found)
    assert sum(site.weight for site in found) == pytest.approx(4**0.3)
