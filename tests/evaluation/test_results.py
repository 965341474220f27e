"""Right lines count, and an interrupted evaluation continues."""

import gzip
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from evaluation.evaluate import run_cases
from evaluation.humaneval import PLAIN, USER, judge, run_task, snapshot_of
from evaluation.humaneval_tasks import FOLDER_VARIABLE, SINGLE_LINE_FILE, Task, read_tasks, task_file
from evaluation.questions import Fill, Question, answer_question, judged_part
from evaluation.results import KeptResults, Result, digest_model, digest_request, summarize, to_table
from inference.api import Draft, FinishReason, Request
from inference.prompts.prompt import TokenPrompt
from lsp_server.settings.values import CompletionSettings
from midspan import SettingsError
from tests.fake_engine import FakeEngine

TASK = Task(
    name="SingleLineInfilling/HumanEval/0/L0",
    entry_point="largest",
    prompt="def largest(numbers):\n    best = numbers[0]\n",
    wanted="    for number in numbers:\n",
    suffix="        best = max(best, number)\n    return best\n",
    test="def check(candidate):\n    assert candidate([1, 5, 2]) == 5\n",
)


def test_the_line_that_stood_there_matches_and_passes() -> None:
    result = judge(TASK, Fill("    for number in numbers:  ", "eos"))
    assert result == {"exact_match": 1.0, "pass_at_1": 1.0}


def test_another_right_line_passes_without_matching() -> None:
    result = judge(TASK, Fill("    for number in sorted(numbers):", "eos"))
    assert result == {"exact_match": 0.0, "pass_at_1": 1.0}


def test_drafts_make_another_question_of_a_request_that_may_copy_them() -> None:
    plain = Request(TokenPrompt((1, 2)), 8)
    drafted = replace(plain, drafts=(Draft("lines", (3,)),))
    assert digest_request(plain) == digest_request(drafted)
    asked = [plain, replace(plain, may_copy=True), replace(drafted, may_copy=True)]
    assert len({digest_request(request) for request in asked}) == 3


LINES = replace(TASK, wanted=TASK.wanted + TASK.suffix, suffix="", cut="lines")
SPAN = replace(TASK, prompt=TASK.prompt + "    for num", wanted="ber in numbers:\n        best = m", cut="span")
SPAN = replace(SPAN, suffix="ax(best, number)\n    return best\n")


def test_several_lines_are_judged_whole() -> None:
    right = {"exact_match": 1.0, "pass_at_1": 1.0}
    wrong = {"exact_match": 0.0, "pass_at_1": 0.0}
    assert judge(LINES, Fill(LINES.wanted, "eos")) == right
    assert judge(LINES, Fill(TASK.wanted, "eos")) == wrong
    assert judge(SPAN, Fill(SPAN.wanted, "eos")) == right
    assert judge(SPAN, Fill("ber in numbers:", "eos")) == wrong
    assert judge(SPAN, Fill(f"{SPAN.wanted}\n", "eos")) == wrong  # a span ends within its line
    snapshot = snapshot_of(SPAN)
    assert snapshot.document.text[snapshot.cursor :] == SPAN.suffix


def test_a_model_that_does_not_end_is_judged_by_the_lines_within_the_function() -> None:
    text = f"{LINES.wanted}\n\nprint(largest([]))\nprint"
    assert judge(LINES, Fill(text, "length")) == {"exact_match": 1.0, "pass_at_1": 1.0}
    assert judge(LINES, Fill(text, "eos"))["exact_match"] == 0.0


def test_the_three_sets_are_known_by_the_names_of_their_tasks(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    entry = {"entry_point": "f", "prompt": "p", "suffix": "s", "test": "t", "canonical_solution": "c"}
    sets = ("SingleLineInfilling", "MultiLineInfilling", "RandomSpanInfillingLight", "Other")
    lines = [json.dumps(entry | {"task_id": f"{name}/HumanEval/0/1"}) + "\n" for name in sets]
    path.write_text("".join(lines[:3]))
    assert [task.cut for task in read_tasks(path, None)] == ["line", "lines", "span"]
    path.write_text(lines[3])
    with pytest.raises(SettingsError, match="cannot be read as tasks"):
        read_tasks(path, None)


def test_a_span_is_asked_without_an_end_of_lines_and_as_by_a_key(tmp_path: Path) -> None:
    engine = FakeEngine(lambda before, after: SPAN.wanted)
    try:
        plain, user = run_task(engine, KeptResults(tmp_path / "results.jsonl"), SPAN, CompletionSettings())
    finally:
        engine.close()
    assert [request.max_lines for request in engine.requests] == [None, 8]
    assert plain.scores == {"exact_match": 1.0, "pass_at_1": 1.0}
    assert user.text == SPAN.wanted


@pytest.mark.parametrize("line", ["", "for number in numbers:", "    for number in numbers[:1]:", "    return 5 +"])
def test_a_wrong_line_counts_nowhere(line: str) -> None:
    result = judge(TASK, Fill(line, "eos"))
    assert result == {"exact_match": 0.0, "pass_at_1": 0.0}


def test_a_user_s_cursor_is_on_an_empty_line_between_the_parts() -> None:
    snapshot = snapshot_of(TASK)
    text = snapshot.document.text
    assert text[: snapshot.cursor] == TASK.prompt
    assert text[snapshot.cursor :] == "\n" + TASK.suffix
    question = Question("case", USER, Request(TokenPrompt((1,)), 1), snapshot)
    assert judged_part(question, Fill("        best = max(best, number)", "eos")).text == ""  # it stands there already
    assert judged_part(question, Fill("    for number in numbers:", "eos")).text == "    for number in numbers:"


def make_result(case: str, finish_reason: FinishReason = "eos", exact: float = 0.0) -> Result:
    return Result(case, PLAIN, "digest", "line", "line", finish_reason, {"exact_match": exact})


def test_a_summary_counts_shares() -> None:
    results = [make_result("a", "eos", 1.0), make_result("b", "fim"), make_result("c", "lines")]
    summary = summarize([*results, make_result("d", "length")])
    assert summary == {"n": 4, "exact_match": 0.25, "stopped_by_itself": 0.5}


def test_results_outlive_a_crash_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "results.jsonl"
    KeptResults(path).add(make_result("a"))
    with path.open("a", encoding="utf-8") as file:
        file.write('\n{"task": "b", "way"')
    again = KeptResults(path)
    assert again.find("a", PLAIN, "digest") == make_result("a")
    assert again.find("a", USER, "digest") is None
    assert again.find("a", PLAIN, "another prompt") is None
    again.add(make_result("b"))
    assert KeptResults(path).find("b", PLAIN, "digest") == make_result("b")


def test_other_weights_have_other_results(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"a" * 100)
    first = digest_model(tmp_path)
    assert digest_model(tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(b"a" * 99 + b"b")
    assert digest_model(tmp_path) != first


def test_tasks_are_read_in_order_up_to_the_limit(tmp_path: Path) -> None:
    with gzip.open(tmp_path / SINGLE_LINE_FILE, "wt", encoding="utf-8") as file:
        for number in range(3):
            entry = {
                "task_id": f"SingleLineInfilling/{number}",
                "entry_point": "f",
                "prompt": "p",
                "suffix": "s",
                "test": "t",
            }
            file.write(json.dumps(entry | {"canonical_solution": "c"}) + "\n")
    path = tmp_path / SINGLE_LINE_FILE
    assert [task.name for task in read_tasks(task_file(path), 2)] == [
        "SingleLineInfilling/0",
        "SingleLineInfilling/1",
    ]
    assert len(read_tasks(task_file(path), None)) == 3
    unpacked = tmp_path / "tasks.jsonl"
    unpacked.write_bytes(gzip.decompress(path.read_bytes()))
    assert read_tasks(unpacked, None) == read_tasks(path, None)


def test_missing_and_broken_task_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with pytest.raises(SettingsError, match="--tasks FILE"):
        task_file(None)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(SettingsError, match=SINGLE_LINE_FILE):
        task_file(None)
    (tmp_path / SINGLE_LINE_FILE).write_text("not gzip")
    with pytest.raises(SettingsError, match="Download it again"):
        read_tasks(task_file(None), None)


def test_an_evaluation_asks_each_prompt_once_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    asked = []

    def write(before: str, after: str) -> str:
        asked.append(before)
        return "    for number in numbers:\n        and more"

    steps = []
    engine = FakeEngine(write)
    try:
        for _ in range(2):
            kept = KeptResults(tmp_path / "results.jsonl")
            cases = [partial(run_task, task=TASK, settings=CompletionSettings())]
            results = run_cases(engine, cases, kept, lambda: steps.append(len(asked)))
    finally:
        engine.close()
    right = {"n": 1, "exact_match": 1.0, "pass_at_1": 1.0, "stopped_by_itself": 1.0}
    summaries = {way: summarize(found) for way, found in results.items()}
    assert summaries == {PLAIN: right, USER: right}
    assert "| user | 1 | 100.0% | 100.0% | 100.0% |" in to_table(summaries)
    assert len(asked) == 2  # the plain prompt and the user's
    assert steps == [2, 2]


def test_what_is_shown_otherwise_than_when_it_was_kept_is_judged_again_but_not_asked_again(tmp_path: Path) -> None:
    asked = []

    def write(before: str, after: str) -> str:
        asked.append(before)
        return "first\nsecond"

    judged = []

    def judge_text(fill: Fill) -> dict[str, float]:
        judged.append(fill.text)
        return {"right": 1.0}

    engine = FakeEngine(write)
    kept = KeptResults(tmp_path / "results.jsonl")
    request = Request(engine.fim_prompt("", "a", "b"), 50)
    try:
        for lines in (1, 1, 2):
            answer_question(engine, Question("case", PLAIN, request, None, lines), kept, judge_text)
        begun = replace(request, begins_with="a")
        for other in (replace(request, max_new_tokens=51), replace(request, max_lines=2), begun):
            answer_question(engine, Question("case", PLAIN, other, None), kept, judge_text)
    finally:
        engine.close()
    assert judged == ["first", "first\nsecond", "first", "first", "first"]
    assert len(asked) == 4  # other limits and another begun word are other questions


def test_a_way_in_which_nothing_was_asked_has_its_row() -> None:
    rows = to_table({"1K": {"n": 2, "right": 0.5}}, {"2K": "beyond the model's context"}).split("\n")
    assert rows[2:] == ["| 1K | 2 | 50.0% |", "| 2K | beyond the model's context | |"]
