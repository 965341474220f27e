"""The verdict on a proposal: right where the new release changes the same words to the same."""

import random

import pytest

from context.documents.document import Document
from evaluation.next_edit.judge import compare, distance, judge
from lsp_server.next_edit.next_edit import NextEdit, Source

TEXT = "import a\n\n\ndef f(x):\n    y = run(x)\n    return run(y)\n"


def propose(old: str, text: str, whole: str = TEXT, nth: int = 0) -> NextEdit:
    """Put `text` in the place of the nth `old`."""
    start = -1
    for _ in range(nth + 1):
        start = whole.index(old, start + 1)
    return NextEdit(Document("a.py", whole, "python", 0), start, start + len(old), text, Source.RULE, "rename", 0.9)


@pytest.mark.parametrize(
    ("old", "text", "new", "is_placed", "is_right"),
    [
        ("run", "go", TEXT.replace("run(x)", "go(x)"), True, True),
        ("run", "go", TEXT.replace("run", "go"), True, True),  # one word of a hunk of two lines
        ("run(x)", "go(x)", TEXT.replace("run(x)", "go(x, 1)"), True, True),  # a step on the way
        ("run", "start", TEXT.replace("run", "go"), True, False),
        ("y", "go", TEXT.replace("run", "go"), True, False),
        ("run", "go", TEXT.replace("import a", "import b"), False, False),
        ("run", "go", TEXT, False, False),
        ("run", "run", TEXT.replace("run", "go"), True, False),  # changes nothing
        ("    return", "    z()\n    return", TEXT.replace("    return", "    z()\n    return"), True, True),
        ("    return", "  z()\n    return", TEXT.replace("    return", "    z()\n    return"), True, False),
        ("    y = run(x)\n", "", TEXT.replace("    y = run(x)\n", ""), True, True),
        ("    return", "", TEXT.replace("    y = run(x)\n", ""), False, False),
    ],
)
def test_a_proposal_is_right_when_it_is_a_step_towards_the_new_release(
    old: str, text: str, new: str, is_placed: bool, is_right: bool
) -> None:
    verdict = judge(propose(old, text), new)
    assert (verdict.is_placed, verdict.is_right) == (is_placed, is_right)


def test_the_order_of_the_names_in_an_import_is_left_aside_and_nowhere_else() -> None:
    old = "from a import (\n    x,\n    run,\n)\n\nf(x, run)\n"
    new = "from a import (\n    go,\n    x,\n)\n\nf(go, x)\n"
    assert judge(propose("run", "go", old), new).is_right
    assert judge(propose("run", "go", old, 1), new).is_placed
    assert not judge(propose("run", "go", old, 1), new).is_right


@pytest.mark.parametrize(
    ("text", "new", "is_right"),
    [
        ("from m import x\n", "import d\nimport a\nfrom m import x\n\nx = 1\n", True),
        ("from m import x\n", "import d\nimport a\nfrom m import (\n    w,\n    x,\n)\n\nx = 1\n", True),
        ("from m import x\n", "import d\nimport a\nfrom m import y\n\nx = 1\n", False),
        ("from m import x\n", "import d\nimport a\nif b:\n    from m import x\n\nx = 1\n", False),
        ("import { x } from 'm';\n", "import d\nimport a\nimport { w, x } from 'm';\n\nx = 1\n", True),
        ("import { x } from 'm';\n", "import d\nimport a\nimport { x } from 'n';\n\nx = 1\n", False),
        ("from a import x\n", "import d\nfrom a import y\nimport c\n\nx = 1\n", False),
    ],
)
def test_a_new_import_may_stand_anywhere_among_the_imports(text: str, new: str, is_right: bool) -> None:
    document = Document("a.py", "import a\n\nx = 1\n", "python", 0)
    assert judge(NextEdit(document, 0, 0, text, Source.RULE, "import", 0.8), new).is_right is is_right


def test_an_import_that_has_to_join_another_one_is_not_right_beside_it() -> None:
    document = Document("a.py", "from a import b\n\nx = 1\n", "python", 0)
    proposal = NextEdit(document, 0, 0, "from a import x\n", Source.RULE, "import", 0.8)
    assert not judge(proposal, "from a import b, x\n\nx = 1\n").is_right


@pytest.mark.parametrize(
    ("start", "text", "new", "is_placed", "is_right"),
    [
        # The statement that goes is another one, and the new one stands above or below it.
        (0, "import b\n", "import b\n\nx = 1\n", True, True),
        (8, "\nimport b", "import b\n\nx = 1\n", True, True),
        (8, "\nimport b", "import c\n\nx = 1\n", True, False),
        # Blank lines do not part it from the lines that change.
        (10, "import b\n", "import a\nimport b\n\nx = 1\n", True, True),
        (0, "import b\n", "import a\n\nx = 2\n", False, False),
        (8, ", b", "import a, b\n\nx = 1\n", True, True),
        (8, ", b", "import b\n\nx = 1\n", True, True),  # the comma is the formatter's
        (8, ", b", "import a\nimport b\n\nx = 1\n", True, False),  # in a statement of its own
        (15, "\nx = 2", "import a\n\nx = 1\nx = 2\n", True, True),
        (15, "\nx = 2", "import a\n\nx = 2\n", True, False),  # in code, the line that goes keeps its words
    ],
)
def test_a_new_import_stands_between_two_lines(
    start: int, text: str, new: str, is_placed: bool, is_right: bool
) -> None:
    document = Document("a.py", "import a\n\nx = 1\n", "python", 0)
    verdict = judge(NextEdit(document, start, start, text, Source.RULE, "import", 0.8), new)
    assert (verdict.is_placed, verdict.is_right) == (is_placed, is_right)


def test_all_proposals_of_a_place_are_compared_with_the_new_release() -> None:
    both = [propose("run", "go"), propose("run", "go", nth=1)]
    assert compare(both, TEXT.replace("run", "go")) == (True, 1.0)
    is_exact, similarity = compare(both[:1], TEXT.replace("run", "go"))
    assert not is_exact
    assert 0.8 < similarity < 1
    assert compare(both, TEXT) == (False, 0.0)


def test_the_distance_is_that_of_the_longest_common_subsequence() -> None:
    chance = random.Random(5)
    for _ in range(200):
        one, other = ([chance.choice("abc") for _ in range(chance.randrange(9))] for _ in range(2))
        longest = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
        for i, a in enumerate(one):
            for j, b in enumerate(other):
                longest[i + 1][j + 1] = longest[i][j] + 1 if a == b else max(longest[i][j + 1], longest[i + 1][j])
        assert distance(one, other) == len(one) + len(other) - 2 * longest[-1][-1]
