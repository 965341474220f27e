"""The suites ask as a user with the settings of this folder is answered: with and without come from one command."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation import evaluate, names, suites
from evaluation.names import NameCase
from evaluation.questions import Question, digest_question
from inference.api import Request
from lsp_server.cli.main import main
from tests.evaluation.made_up_package import CURRENT, FILES, write_package
from tests.fake_engine import FakeEngine, read_prompt

WRITTEN = "self.width = width\nself.height = "  # "height" is what the line above says of this one
CODE = f"""{CURRENT}

def read_again(parser, body):
    if body:
        return parser.parse_body(body)
"""
TASK = {"task_id": "SingleLineInfilling/0", "entry_point": "f", "prompt": WRITTEN, "canonical_solution": "height\n"}
# A score of each suite that is high where the line of the user's code is judged.
SCORES = (
    ("humaneval-infilling", "user", "exact_match"),
    ("names", "user", "right"),
    ("repository", "lines, alone", "edit_similarity"),
)
Run = Callable[..., tuple[dict[str, Any], FakeEngine]]


class Copying(FakeEngine):
    """A built-in model that has learned to copy, writes what is wrong, and finds a line of the code likelier."""

    def __init__(self) -> None:
        super().__init__(lambda _before, _after: "wrong")
        self.info = replace(self.info, copies=True)

    def score(self, line: str) -> float:
        return -9.0 if line == "wrong" else -1.0


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a suite in a folder with these settings."""
    package = write_package(tmp_path / "package", FILES | {"package/current.py": CODE})
    (tmp_path / "tasks.jsonl").write_text(json.dumps(TASK | {"suffix": "", "test": ""}), encoding="utf-8")
    case = NameCase("name", other="", before=WRITTEN, after="\n", wanted="height")
    for variable in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suites, "load_packages", lambda _folder: [package])
    monkeypatch.setattr(names, "read_cases", lambda: [case])
    monkeypatch.setattr(evaluate, "digest_weights", lambda _engine, _settings: "digest")

    def run_suite(suite: str, settings: str) -> tuple[dict[str, Any], FakeEngine]:
        engine = Copying()
        monkeypatch.setattr(evaluate, "start_engine", lambda _settings: engine)
        (tmp_path / "midspan.toml").write_text(settings, encoding="utf-8")
        assert main(["eval", suite, "--tasks", "tasks.jsonl", "--out", "out"]) == 0
        return json.loads((tmp_path / "out" / f"{suite}.json").read_text(encoding="utf-8")), engine

    return run_suite


@pytest.mark.parametrize("suite", ["humaneval-infilling", "names", "repository", "stops"])
def test_the_model_copies_where_the_settings_say_so(run: Run, suite: str) -> None:
    figures, with_it = run(suite, "")
    assert figures["settings"] == {}
    figures, without = run(suite, "completion.copy = false")
    assert figures["settings"] == {"completion.copy": False}
    user = with_it.requests[1 if suite == "humaneval-infilling" else 0 :]  # before it, the paper's prompt
    assert user
    assert all(request.may_copy for request in user)
    assert not any(request.may_copy for request in [*with_it.requests[: -len(user)], *without.requests])
    prompts = [read_prompt(request) for request in user]
    assert [read_prompt(request) for request in without.requests] == prompts


@pytest.mark.parametrize(("suite", "way", "score"), SCORES)
def test_lines_of_the_code_are_scored_where_the_settings_say_so(run: Run, suite: str, way: str, score: str) -> None:
    """Both ways are kept: the second command of each asks the model nothing."""
    scores: dict[str, list[float]] = {"builtin": [], "none": []}
    for again in (False, True):
        for which, found in scores.items():
            figures, engine = run(suite, f'completion.known_lines = "{which}"')
            assert figures["settings"] == ({"completion.known_lines": "builtin"} if which == "builtin" else {})
            found.append(figures["ways"][way][score])
            assert bool(engine.requests) != again
            assert any(request.given for request in engine.requests) == (which == "builtin" and not again)
    assert scores["builtin"] == [scores["builtin"][0]] * 2
    assert scores["none"] == [scores["none"][0]] * 2
    assert scores["none"][0] < 0.3 < 0.6 < scores["builtin"][0]


def test_the_table_says_which_settings_are_not_the_defaults(run: Run, tmp_path: Path) -> None:
    for settings, title in (("", "fake, names"), ("completion.copy = false", "fake, names, completion.copy = false")):
        run("names", settings)
        assert (tmp_path / "out" / "names.md").read_text(encoding="utf-8").startswith(f"{title}\n\n")


def test_other_lines_of_the_code_are_another_question_where_they_are_scored() -> None:
    engine = Copying()
    request = Request(engine.fim_prompt("", WRITTEN, "\n"), 9)
    others = [replace(request, drafts=(engine.draft("renamed", line),)) for line in ("height", "depth")]
    for weighs, count in ((True, 2), (False, 1)):
        asked = [Question("case", "user", other, None, weighs_known_lines=weighs) for other in others]
        assert len({*map(digest_question, asked)}) == count
