import pytest

from context.document import Document
from context.snapshot import Snapshot
from lsp_server.postprocess import postprocess


def shown(marked: str, text: str, *, finished: bool = True) -> str:
    before, after = marked.split("|")
    return postprocess(text, Snapshot(Document("a.py", before + after, "python", 1), len(before)), finished)


@pytest.mark.parametrize(
    ("marked", "text", "kept"),
    [
        ("foo(|)", "a, b)", "a, b"),
        ("foo(|)", "bar())", "bar()"),
        ('print("|")', 'hello")', "hello"),
        ("x = [|]", "1, 2]", "1, 2"),
        ("def f(|):", "self, x):", "self, x"),
        ("if x|:", " == 1:", " == 1"),
        ("f(a|,", ", b,", ", b"),
        ("c = |foo(bar)", "1 + foo(bar)", "1 + "),  # asked for by a key
        ("  |)", "a, b)", "a, b"),
    ],
)
def test_the_rest_of_the_line_is_not_repeated(marked, text, kept):
    assert shown(marked, text) == kept


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("foo(|)", "bar()"),  # the bracket is the text's own
        ("foo(|)", "a, b"),
        ("g(foo(|)", "a)"),  # the line has one more to close
        ("  |)", "f(a)"),  # opened above
        ('f(|")', 'x, "a" if b else "'),
        ("x = [|]", "y[0]"),
        ("d[|]", "'a'"),
        ('s = "|"', "it's \"quoted"),
    ],
)
def test_what_the_text_needs_itself_is_kept(marked, text):
    assert shown(marked, text) == text


@pytest.mark.parametrize(
    ("marked", "text", "kept"),
    [
        ("def f(x):\n    |\n    return x\n", "x += 1\n    return x", "x += 1"),
        ("def f(x):\n    |\n\n    return x\n", "x += 1\n    return x\n", "x += 1"),
        ("import os\n|\nimport sys\n", "import sys", ""),
        ("a {\n  |\n}\n", "b();\n}", "b();"),
        ("x = 1\n|\ny = 2\nz = 3\n", "w = 0\ny = 2\nz = 3", "w = 0"),
    ],
)
def test_the_following_lines_are_not_repeated(marked, text, kept):
    assert shown(marked, text) == kept


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("def f(x):\n    |\n    return x\n", "if x:\n        return x"),  # another depth
        ("a {\n  |\n}\n", "b {\n  c\n}"),  # its own closer
        ("x = 1\n|\ny = 2\n", "y = 2\nw = 3"),  # not at the end
        ("for a in b:\n    |\n    pass\n", "if a:\n        c()\n    pass"),  # too short to tell
    ],
)
def test_lines_that_only_look_like_the_following_ones_are_kept(marked, text):
    assert shown(marked, text) == text


@pytest.mark.parametrize("text", ["", " ", "\n", "\n    \n", "\t"])
def test_blank_text_is_not_shown(text):
    assert shown("x = 1\n|", text) == ""


def test_spaces_at_the_end_are_dropped_unless_something_follows():
    assert shown("x = |\n", "1  \n\n") == "1"
    assert shown("x = |+ y\n", "1 \n") == "1 "


def test_half_a_line_is_dropped_when_the_model_was_stopped():
    assert shown("|", "a = 1\nb = ", finished=False) == "a = 1"
    assert shown("|", "a = ", finished=False) == "a ="


def test_leading_spaces_and_blank_lines_inside_are_kept():
    assert shown("def f():\n|", "    a = 1\n\n    b = 2\n") == "    a = 1\n\n    b = 2"


def test_a_stutter_until_the_limit_is_not_shown_but_what_is_meant_to_repeat_is():
    stutter = "get_" + "line_" * 12
    assert shown("return self.|", stutter, finished=False) == ""
    assert shown("row = [|", "0, " * 12 + "0]") == "0, " * 12 + "0]"
    half_a_call = "f(alpha, beta, gamma, delta, alpha + beta, "
    assert shown("y = |", half_a_call, finished=False) == half_a_call.rstrip()


@pytest.mark.parametrize(
    ("marked", "text", "kept"),
    [
        ("a = 1|\n", "\nself.x = 1\nself.x = 1\nself.x = 1\nself.x = 1", "\nself.x = 1"),
        ("first = []|\n", "\nfirst = []\nfirst = []\nfirst = []", ""),
        ("a = 1|\n", "\nnext(lines)\nnext(lines)\nbody = next(lines)", None),  # twice may be meant
        ("a = [|\n]", "\n    0,\n    0,\n    0,\n    1,", None),
    ],
)
def test_a_line_over_and_over_is_shown_once(marked, text, kept):
    assert shown(marked, text) == (text if kept is None else kept)
