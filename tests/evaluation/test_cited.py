"""Questions are asked with the definitions that an answer must cite."""

import json
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from context.index.workspace import Workspace
from evaluation.chat import cited
from evaluation.chat.cited import Citation, CitingQuestion, find_cited, read_questions, repository_folders
from evaluation.suites import SUITES, Choices
from lsp_server.settings.values import CompletionSettings
from midspan import SettingsError
from tests.context.tree import SECONDS, write_tree
from tests.fake_engine import FakeEngine

LIBRARY = ("json", "logging", "http", "concurrent", "argparse.py", "tempfile.py", "shutil.py")
GOAL = 0.8

# Questions about the standard library: it is wherever the tests run.
QUESTIONS = {
    "How does JSONEncoder treat an object that it does not know?": [["json/encoder.py", "JSONEncoder.default"]],
    "What does json.loads do with bytes?": [["json/__init__.py", "loads"], ["json/__init__.py", "detect_encoding"]],
    "How is the effective level of a logger found?": [["logging/__init__.py", "Logger.getEffectiveLevel"]],
    "When does RotatingFileHandler roll over?": [
        ["logging/handlers.py", "RotatingFileHandler.shouldRollover"],
        ["logging/handlers.py", "RotatingFileHandler.doRollover"],
    ],
    "How do the handlers of parent loggers get a record?": [["logging/__init__.py", "Logger.callHandlers"]],
    "How does SimpleHTTPRequestHandler translate a path to a file?": [
        ["http/server.py", "SimpleHTTPRequestHandler.translate_path"]
    ],
    "Where does ThreadPoolExecutor start its threads?": [
        ["concurrent/futures/thread.py", "ThreadPoolExecutor._adjust_thread_count"]
    ],
    "How does as_completed wait for futures?": [["concurrent/futures/_base.py", "as_completed"]],
    "How does rmtree handle errors?": [["shutil.py", "rmtree"]],
    "What happens in mkdtemp if the name exists already?": [["tempfile.py", "mkdtemp"]],
    "How does argparse print the usage before it exits with an error?": [["argparse.py", "ArgumentParser.error"]],
}


class Tokens(FakeEngine):
    """Counts tokens as a model's tokenizer does, about."""

    def __init__(self) -> None:
        super().__init__(lambda _before, _after: "")

    def count_tokens(self, text: str) -> int:
        return -(-len(text) // 3)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("library")
    for name in LIBRARY:
        source = Path(sysconfig.get_paths()["stdlib"]) / name
        if source.is_dir():
            shutil.copytree(source, folder / "root" / name, ignore=shutil.ignore_patterns("*.pyc", "__pycache__"))
        else:
            shutil.copy(source, folder / "root" / name)
    workspace = Workspace(folder / "root", folder / "cache")
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    yield workspace
    workspace.close()


def test_most_of_what_answers_must_cite_is_in_the_prompt(library):
    engine = Tokens()
    shown: dict[tuple[str, Citation], bool] = {}
    for text, cites in QUESTIONS.items():
        question = CitingQuestion("library", text, tuple(Citation(*cite) for cite in cites))
        context, found = find_cited(engine, question, library, 2048)
        assert engine.count_tokens(context.text) <= 2048
        shown |= {(text, cite): is_shown for cite, is_shown in found.items()}
    missing = [place for place, is_shown in shown.items() if not is_shown]
    assert len(missing) <= (1 - GOAL) * len(shown), missing


def test_the_questions_about_flask_and_mux_are_twenty_and_each_cites_something():
    questions = read_questions()
    assert len(questions) == len({question.question for question in questions}) == 20
    assert {question.repository for question in questions} == {"flask", "mux"}
    assert all(question.cites for question in questions)


def test_the_suite_tells_the_share_and_what_is_missing(tmp_path, monkeypatch):
    lines = "".join(f"    step_{n}()\n" for n in range(40))
    for name in ("flask", "mux"):
        write_tree(tmp_path / name, {"a.py": f"def cook_soup():\n{lines}", "b.py": "def unrelated(): ...\n"})
    cites = [["a.py", "cook_soup"], ["b.py", "unrelated"]]
    row = {"repository": "mux", "question": "How does cook_soup work?", "cites": cites}
    file = tmp_path / "questions.json"
    file.write_text(json.dumps({"repositories": {"flask": "1", "mux": "1"}, "questions": [row]}))
    monkeypatch.setattr(cited.read_questions, "__defaults__", (file,))
    with ExitStack() as opened:
        suite = SUITES["chat"](Tokens(), CompletionSettings(), Choices(repositories=tmp_path), opened)
        results = suite.cases[0](Tokens(), None)  # type: ignore[arg-type]  # nothing is kept: no model is asked
    by_way = {
        way: [one.scores["in_prompt"] for one in results if one.way == way] for way in {one.way for one in results}
    }
    assert by_way == {"2,048 tokens": [1, 0], "1,024 tokens": [1, 0], "4,096 tokens": [1, 0]}
    details = suite.details({"2,048 tokens": [one for one in results if one.way == "2,048 tokens"]})
    assert details == {"missing": ["How does cook_soup work? b.py: unrelated"]}


def test_without_the_repositories_the_suite_says_where_to_put_them(tmp_path):
    for folder in (None, tmp_path):
        with pytest.raises(SettingsError, match=r"flask 3\.1\.3 and mux v1\.8\.1.*--repositories"):
            repository_folders(folder)


def test_a_definition_that_is_not_there_is_an_error(library):
    question = CitingQuestion("library", "Why?", (Citation("json/decoder.py", "nothing"),))
    with pytest.raises(SettingsError, match="has no nothing"):
        find_cited(Tokens(), question, library, 1000)
