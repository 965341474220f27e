import pytest

from context.document import Document
from context.snapshot import Snapshot
from lsp_server.triggers import BLOCK_LINES, Ask, Refrain, decide


def at(marked: str) -> Snapshot:
    before, after = marked.split("|")
    return Snapshot(Document("a.py", before + after, "python", 1), len(before))


@pytest.mark.parametrize(
    "marked",
    ["x = |", "x = |\n", "f(|)", "f(a, |):\n", "x = [|],\n", 'print("|")', "d = {'a': |}\r\n", "x = 1\n    |\n"],
)
def test_at_the_end_of_a_line_or_before_closers_one_line_is_asked_for(marked):
    assert decide(at(marked), explicit=False) == Ask(1)


@pytest.mark.parametrize("marked", ["x = |y", "na|me = 1", "f(|a)", "x |= 2", "(|) + 1"])
def test_in_the_middle_of_a_line_nothing_is_asked(marked):
    assert isinstance(decide(at(marked), explicit=False), Refrain)


@pytest.mark.parametrize(
    "marked", ["def f():\n    |", "if (a) {\n\n  |\n}", "x = [\n  |\n]", "call(\n|", "a => \n|", "while x; do\n  |"]
)
def test_in_a_new_block_several_lines_are_asked_for(marked):
    assert decide(at(marked), explicit=False) == Ask(BLOCK_LINES)


@pytest.mark.parametrize("marked", ["def f():\n    x|", "\n|", "|", "x = 1\n|"])
def test_elsewhere_one_line_is_asked_for(marked):
    assert decide(at(marked), explicit=False) == Ask(1)


@pytest.mark.parametrize("marked", ["x = |y", "na|me = 1", "x = |"])
def test_a_key_always_asks_for_several_lines(marked):
    assert decide(at(marked), explicit=True) == Ask(BLOCK_LINES)
