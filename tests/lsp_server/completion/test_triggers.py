import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.completion.triggers import BLOCK_LINES, Skip, Trigger, decide
from lsp_server.telemetry.outcome import Outcome


def at(marked: str, language: str = "python") -> Snapshot:
    before, after = marked.split("|")
    return Snapshot(Document("a.py", before + after, language, 1), len(before))


@pytest.mark.parametrize(
    "marked",
    ["x = |", "x = |\n", "f(|)", "f(a, |):\n", "x = [|],\n", 'print("|")', "d = {'a': |}\r\n", "x = 1\n    |\n"],
)
def test_at_the_end_of_a_line_or_before_closers_one_line_is_asked_for(marked):
    assert decide(at(marked), explicit=False) == Trigger(1)


@pytest.mark.parametrize("marked", ["x = |y", "na|me = 1", "f(|a)", "x |= 2", "(|) + 1"])
def test_in_the_middle_of_a_line_nothing_is_asked(marked):
    assert isinstance(decide(at(marked), explicit=False), Skip)


@pytest.mark.parametrize(
    "marked", ["def f():\n    |", "if (a) {\n\n  |\n}", "x = [\n  |\n]", "call(\n|", "a => \n|", "while x; do\n  |"]
)
def test_in_a_new_block_several_lines_are_asked_for(marked):
    assert decide(at(marked), explicit=False) == Trigger(BLOCK_LINES)


@pytest.mark.parametrize("marked", ["def f():\n    x|", "\n|", "|", "x = 1\n|"])
def test_elsewhere_one_line_is_asked_for(marked):
    assert decide(at(marked), explicit=False) == Trigger(1)


@pytest.mark.parametrize("marked", ["x = |y", "na|me = 1", "x = |"])
def test_a_key_always_asks_for_several_lines(marked):
    assert decide(at(marked), explicit=True) == Trigger(BLOCK_LINES)


@pytest.mark.parametrize(
    "marked",
    [
        "def f():  # why\n    |",
        "def f(\n    a,\n):\n    |\n\ndef g(): pass\n",
        "if a:\n    |\nelse:\n    b()\n",
        "class A:\n    |\n\n\nclass B:\n    pass\n",
        "for a in b:\r\n    |\r\n",
        "def f(a:\n    |",  # which no parser takes
    ],
)
def test_a_block_with_nothing_in_it_is_given_several_lines(marked):
    assert decide(at(marked), explicit=False) == Trigger(BLOCK_LINES)


@pytest.mark.parametrize(
    "marked",
    [
        "def f():\n    |\n    return 1\n",  # the block is there already
        "x = [\n    |\n    1,\n]\n",
        "# note:\n|",
        'def f():\n    """Does it.\n\n    Args:\n        |\n    """\n',
        "x = 1  # so:\n|",
        'x = """\nthen:\n|\n"""\n',
    ],
)
def test_what_opens_no_block_or_a_full_one_is_given_one_line(marked):
    assert decide(at(marked), explicit=False) == Trigger(1)


@pytest.mark.parametrize(
    ("language", "marked", "lines"),
    [
        ("javascript", "if (a) { // why\n  |\n}", BLOCK_LINES),
        ("javascript", "/* note:\n|\n*/", 1),
        ("go", "func f() {\n\t|\n}\n", BLOCK_LINES),
        ("rust", 'let s = "{\n|";', 1),
        ("lua", "function f() do\n  |\nend", BLOCK_LINES),  # without a grammar
    ],
)
def test_blocks_of_other_languages(language, marked, lines):
    assert decide(at(marked, language), explicit=False) == Trigger(lines)


@pytest.mark.parametrize(
    "marked",
    ["a = first()|", "    f(a, b)  |\n", "x = {1: 2}|", "    pass|", "...|", "return f(x)|", "raise E('(')|"],
)
def test_behind_a_whole_statement_nothing_is_asked(marked):
    assert decide(at(marked), explicit=False) == Skip(Outcome.STATEMENT_OVER)
    assert decide(at(marked), explicit=True) == Trigger(BLOCK_LINES)
    assert decide(at(marked), explicit=False, accepted=marked.replace("|", "").rstrip("\n")) == Trigger(BLOCK_LINES)


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("python", "def f(a)|"),
        ("python", "if f(a)|"),
        ("python", "g(f(a)|"),  # a bracket is open
        ("python", "x = 'f(a)|"),  # a string is open
        ("python", "b)|"),  # of a bracket above
        ("python", "x = a[1]|"),
        ("python", "passed|"),
        ("go", "func f(a int)|"),
        ("typescript", "parse(a: string)|"),
    ],
)
def test_a_line_that_goes_on_is_asked_for(language, marked):
    assert decide(at(marked, language), explicit=False) == Trigger(1)


def test_whoever_goes_on_after_an_acceptance_with_a_new_line_is_given_several_lines():
    marked, accepted = "a = first()\nb = second()\n|", "a = first()\nb = second()"
    assert decide(at(marked), explicit=False) == Trigger(1)
    assert decide(at(marked), explicit=False, accepted=accepted) == Trigger(BLOCK_LINES)
    assert decide(at(marked), explicit=False, accepted="a = first()") == Trigger(1)
    assert decide(at(marked.replace("\n", "\r\n")), explicit=False, accepted=accepted) == Trigger(BLOCK_LINES)


@pytest.mark.parametrize(
    "marked", ["a = first()|\n", "a = first()|", "f(first()|)\n", "def f():\r\n    a = first();|\r\n"]
)
def test_right_after_an_acceptance_several_lines_are_asked_for(marked):
    accepted = marked.split("|")[0].replace("\r\n", "\n")
    assert decide(at(marked, "c"), explicit=False, accepted=accepted) == Trigger(BLOCK_LINES)


def test_one_character_further_it_is_a_place_like_any_other():
    accepted = "a = first()"
    assert decide(at("a = first().|\n"), explicit=False, accepted=accepted) == Trigger(1)
    assert decide(at("a = first();|\n", "c"), explicit=False, accepted=accepted) == Skip(Outcome.STATEMENT_OVER)
    assert decide(at("a = first()|x\n"), explicit=False, accepted=accepted) == Skip(Outcome.MID_LINE)


@pytest.mark.parametrize(("language", "is_over"), [("javascript", True), ("c", True), ("scheme", False)])
def test_behind_the_end_of_a_statement_nothing_is_asked(language, is_over):
    assert isinstance(decide(at("x = 1;|\n", language), explicit=False), Skip) == is_over
    assert decide(at("for (i = 0;|)\n", language), explicit=False) == Trigger(1)


@pytest.mark.timeout(30)
def test_a_line_of_spaces_is_judged_at_once():
    text = "x" + " " * 200_000 + "y\n"
    snapshot = Snapshot(Document("a.py", text, "python", 1), 1)
    assert decide(snapshot, explicit=False) == Skip(Outcome.MID_LINE)
