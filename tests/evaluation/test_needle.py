"""The needle is in the haystack, at its depth, and not near the cursor; too long contexts are reported, not asked."""

import re
from pathlib import Path

import pytest

from evaluation import suites
from evaluation.evaluate import run_suite
from evaluation.held_out_packages import HeldOutPackage
from evaluation.needle import ANSWER_TOKENS, DEPTHS, Haystacks, cases_of, draw_needles, judge
from evaluation.questions import Fill
from evaluation.suites import Choices
from lsp_server.settings.values import CompletionSettings
from midspan import SettingsError
from tests.fake_engine import FakeEngine, read_prompt

FILES = {f"package/file_{i}.py": "".join(f"value_{i}_{j} = {j}\n" for j in range(40)) for i in range(40)}
PACKAGES = [HeldOutPackage("package", Path(), FILES)]


def look_up(before: str, after: str) -> str:
    """The answer of a model that overlooks nothing."""
    if asked := re.search(r"(\w+) == $", before):
        return str(re.findall(rf"{asked[1]} = (\d+)", before)[0])
    begun = re.findall(r"\.(\w+_)$", before)[0]
    secret: str = re.findall(rf"def {begun}(\w+)", before)[0]
    return f"{secret}(ticket, weight)"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(suites, "load_packages", lambda folder: PACKAGES)
    return {"model": "fake", "weights": "digest", "quant": "wide"}


@pytest.mark.parametrize("length", [2048, 8192])
def test_prompt_and_answer_fill_the_length_with_each_needle_at_its_depth(length: int) -> None:
    engine = FakeEngine(look_up)
    haystacks = Haystacks(engine, PACKAGES)
    needles = draw_needles(length)
    for case in cases_of(needles):
        request = haystacks.request(length, case)
        assert 0.9 * length < request.prompt.num_tokens + ANSWER_TOKENS <= length
        before, _ = read_prompt(request)
        context, _, current = before.rpartition("# depot/main.py\n")
        assert case.wanted not in current
        assert len(re.findall(rf"\b(?:{case.needle.verb}_)?{case.wanted}\b", context)) == 1
    places = [context.index(needle.file.text) / len(context) for needle in needles]
    assert places == sorted(places)
    assert all(abs(place - depth) < 0.2 for place, depth in zip(places, DEPTHS, strict=True))


def test_the_questions_of_one_length_have_their_context_in_common() -> None:
    haystacks = Haystacks(FakeEngine(look_up), PACKAGES)
    befores = [read_prompt(haystacks.request(4096, case))[0] for case in cases_of(draw_needles(4096))]
    assert len({before.rpartition("# depot/main.py\n")[0] for before in befores}) == 1
    assert len({case.needle.depth for case in cases_of(draw_needles(4096))[:5]}) == 5  # also with a small limit


def test_a_model_with_perfect_eyes_is_right_up_to_its_context(model: dict[str, str]) -> None:
    report = run_suite(FakeEngine(look_up), model, "needle", CompletionSettings(), Choices())
    assert report.figures["points"] == [[1024, 1.0], [2048, 1.0], [4096, 1.0], [8192, 1.0]]
    assert report.figures["by_depth"]["8K"] == dict.fromkeys(["0%", "25%", "50%", "75%", "100%"], 1.0)
    assert report.figures["beyond_context"] == ["16K", "32K", "64K", "128K"]
    assert "| 128K | beyond the model's context | | |" in report.table


def test_a_blind_model_is_wrong_and_no_longer_context_is_asked_than_wanted(model: dict[str, str]) -> None:
    engine = FakeEngine(lambda before, after: "0")
    report = run_suite(engine, model, "needle", CompletionSettings(), Choices(limit=3, longest_tokens=2048))
    assert report.figures["points"] == [[1024, 0.0], [2048, 0.0]]
    assert report.figures["not_asked"] == ["4K", "8K"]
    assert len(engine.requests) == 6


def test_only_the_whole_word_is_right() -> None:
    case = cases_of(draw_needles(1024))[0]
    assert judge(case, Fill(f"{case.wanted}(ticket)", "eos")) == {"right": 1.0}
    for text in ("", case.wanted[:-1], f"{case.wanted}s(", f"x{case.wanted}("):
        assert judge(case, Fill(text, "eos")) == {"right": 0.0}


def test_too_little_text_is_said() -> None:
    few = [HeldOutPackage("package", Path(), dict(list(FILES.items())[:3]))]
    with pytest.raises(SettingsError, match="too little text"):
        Haystacks(FakeEngine(look_up), few).request(8192, cases_of(draw_needles(8192))[0])
