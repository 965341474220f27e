"""Long buffers are parsed in a process of their own, which may freeze or end without harm."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from context.documents.document import Document
from context.documents.work_limit import WorkLimit
from context.index.view import View
from context.syntax import parser_process
from context.syntax.parser_process import ParserProcesses
from context.syntax.syntax import parse
from tests.processes import has_ended

CODE = Path(__file__).parents[3]
SECONDS = 60
LONG = "".join(f"class Class{number}:\n    def method(self, é='😀'):\n        pass\n\n" for number in range(2500))
# Over this text, tree-sitter overflows the stack.
CRASHES = "a.token /*" * 90_000
FREEZE = """
import sys
if sys.orig_argv[-1] == "context.syntax.parser_main":
    import context.syntax.syntax as syntax
    parse = syntax.parse
    def freeze(language, text, lines, limit):
        while "FREEZE" in text:
            pass
        return parse(language, text, lines, limit)
    syntax.parse = freeze
"""


def buffer(text: str, language: str = "python") -> Document:
    return Document("a.py", text, language, 1)


@pytest.fixture
def processes() -> Iterator[ParserProcesses]:
    made = ParserProcesses()
    yield made
    made.close()


def idle_pids() -> set[int]:
    """Return the processes that this one has started to parse."""
    children = psutil.Process().children()
    return {child.pid for child in children if child.cmdline()[-1:] == ["context.syntax.parser_main"]}


def test_a_long_buffer_has_all_its_definitions_and_is_not_parsed_in_this_process(monkeypatch) -> None:
    document = buffer(LONG)
    expected = parse("python", LONG, document.lines, WorkLimit(SECONDS))
    assert len(expected.symbols) == 5000
    monkeypatch.setattr(parser_process, "parse", None)
    assert [found.symbol for found in View(None, [document]).definitions_in("a.py")] == list(expected.symbols)


def test_the_outline_from_the_process_is_that_of_this_process(processes: ParserProcesses) -> None:
    before = idle_pids()
    for text, language in ((LONG, "python"), ("\ud800\r\nfunction f() {}\r\n" * 2000, "javascript"), ("\n(", "go")):
        document = buffer(text, language)
        assert processes.outline(document) == parse(language, text, document.lines, WorkLimit(SECONDS))
    assert len(idle_pids() - before) == 1


def test_a_buffer_that_ends_its_parser_is_plain_text_and_this_process_lives() -> None:
    view = View(None, [buffer(CRASHES), Document("b.py", "def f(): ...\n", "python", 1)])
    assert list(view.definitions(["f", "a"], 5)) == ["f"]


def test_a_buffer_that_ends_its_parser_is_not_tried_again(processes: ParserProcesses, monkeypatch) -> None:
    outline = processes.outline(buffer(CRASHES))
    assert outline.why_plain
    assert outline.chunks
    monkeypatch.setattr(parser_process, "start_child", None)
    assert processes.outline(buffer(CRASHES)) == outline


def test_a_buffer_that_freezes_its_parser_is_plain_text(
    processes: ParserProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(FREEZE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert processes.outline(buffer("# FREEZE\n" + LONG)).why_plain
    assert len(processes.outline(buffer(LONG)).symbols) == 5000


def test_where_the_system_starts_no_process_a_long_buffer_is_plain_text_until_it_does(monkeypatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    processes = ParserProcesses()
    with monkeypatch.context() as full:
        full.setattr(subprocess, "Popen", refuse)
        outline = processes.outline(buffer(LONG))
    assert (outline.symbols, outline.why_plain) == (
        [],
        "the system starts no process (Resource temporarily unavailable)",
    )
    assert len(processes.outline(buffer(LONG)).symbols) == 5000
    processes.close()


def test_an_idle_process_that_has_ended_is_replaced(processes: ParserProcesses) -> None:
    before = idle_pids()
    assert processes.outline(buffer(LONG)).symbols
    (pid,) = idle_pids() - before
    os.kill(pid, signal.SIGKILL)
    assert processes.outline(buffer(LONG + "\n")).symbols
    assert idle_pids() - before - {pid}


def test_the_process_ends_with_the_one_that_started_it() -> None:
    code = """
        import time
        import psutil
        from context.documents.document import Document
        from context.syntax.parser_process import outline_of
        outline_of(Document("a.py", "x = 1\\n" * 10_000, "python", 1))
        print(psutil.Process().children()[0].pid, flush=True)
        time.sleep(600)
    """
    environment = os.environ | {"PYTHONPATH": str(CODE)}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    end = monotonic() + SECONDS
    while not has_ended(pid):
        assert monotonic() < end
        sleep(0.05)
