"""The holes that actions open in a document, and the text that they replace."""

import pytest

from context.documents.document import Document
from lsp_server.actions.holes.action_hole import at_dedent, at_end_of_comment, at_mark
from lsp_server.actions.holes.find_holes import find_holes
from lsp_server.actions.protocol.kinds import BLOCK, BODY, BRANCH, DOCSTRING


def filled(text: str, kind: str, language: str = "python", fill: str = "FILL") -> str | None:
    """Return the text after the action at `|`; None where the action is not offered."""
    cursor = text.index("|")
    document = Document("a", text.replace("|", "", 1), language, 0)
    hole = find_holes(document, cursor, cursor).get(kind)
    if hole is None:
        return None
    return document.text[: hole.start] + hole.replacement(fill) + document.text[hole.end :]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", "def f(a):|\n    pass\n", "def f(a):\n    FILL\n"),
        ("python", "def f(a):\n    |...\nx = 1\n", "def f(a):\n    FILL\nx = 1\n"),
        ("python", "def f(a): ...|\n", "def f(a):\n    FILL\n"),
        ("python", "def f(a):|\n", "def f(a):\n    FILL\n"),
        ("python", "def f(a):|", "def f(a):\n    FILL"),
        ("python", "def f(a):\n    |\nx = 1\n", "def f(a):\n    FILL\nx = 1\n"),
        ("python", 'def f(a):\n    """Doc."""|\n\nx = 1\n', 'def f(a):\n    """Doc."""\n    FILL\n\nx = 1\n'),
        ("python", "def f(a):|\n    # TODO: sort\n\nx = 1\n", "def f(a):\n    # TODO: sort\n    FILL\n\nx = 1\n"),
        ("python", "def f():\n    pass|  # later\n", "def f():\n    # later\n    FILL\n"),
        (
            "python",
            "class A:\n  def f(self):|\n    raise NotImplementedError\n",
            "class A:\n  def f(self):\n    FILL\n",
        ),
        (
            "python",
            "class A:\n\tdef f(self):|\n\n\tdef g(self): ...\n",
            "class A:\n\tdef f(self):\n\t\tFILL\n\n\tdef g(self): ...\n",
        ),
        ("python", "é = '😀'\ndef f(a):|\n    pass\n", "é = '😀'\ndef f(a):\n    FILL\n"),
        ("python", 'def f(a): """Doc."""|\n', 'def f(a):\n    """Doc."""\n    FILL\n'),
        (
            "c",
            "void g() {\n    h();\n}\nvoid f(int a,\n       int b) {|\n}\n",
            "void g() {\n    h();\n}\nvoid f(int a,\n       int b) {\n    FILL\n}\n",
        ),
        ("javascript", "function f(a) {|}\n", "function f(a) {\n    FILL\n}\n"),
        ("javascript", "class A {\n  m() {\n  |}\n}\n", "class A {\n  m() {\n    FILL\n  }\n}\n"),
        (
            "typescript",
            "const g = (a: string) => {|\n  // later\n};\n",
            "const g = (a: string) => {\n  // later\n  FILL\n};\n",
        ),
        ("go", "package a\n\nfunc F(a int) error {|\n}\n", "package a\n\nfunc F(a int) error {\n    FILL\n}\n"),
        ("rust", "fn f() -> i32 {\n    todo!()|\n}\n", "fn f() -> i32 {\n    FILL\n}\n"),
        ("c", "int f(int a) {|\n}\n", "int f(int a) {\n    FILL\n}\n"),
        ("java", "class A {\n  int f() {|\n  }\n}\n", "class A {\n  int f() {\n    FILL\n  }\n}\n"),
    ],
)
def test_a_body_replaces_an_empty_body_or_a_stub(language, text, expected):
    assert filled(text, BODY, language) == expected


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "def f(a):|\n    return a\n"),
        ("python", "def f(a):|\n    pass\n    return a\n"),
        ("python", "x = 1|\n"),
        ("python", "class A:|\n    pass\n"),
        ("javascript", "function f(a) {|\n  return a;\n}\n"),
        ("java", "interface A {\n  int f();|\n}\n"),
        ("plaintext", "def f(a):|\n    pass\n"),
    ],
)
def test_a_function_with_a_body_has_no_body_hole(language, text):
    assert filled(text, BODY, language) is None


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", "for a in b:|\n", "for a in b:\n    FILL\n"),
        ("python", "for a in b:\n    c()\n    |\nx = 1\n", "for a in b:\n    c()\n    FILL\nx = 1\n"),
        (
            "python",
            "def f():\n    a()\n    for a in b:\n        |\n    c()\n",
            "def f():\n    a()\n    for a in b:\n        FILL\n    c()\n",
        ),
        ("python", "def f():\n    x = |\n", "def f():\n    x = FILL\n"),
        ("python", "def f():\n    x = 1\n    # For each:\n    |\n", "def f():\n    x = 1\n    # For each:\n    FILL\n"),
        ("python", "def f():\n    if x:  # why\n        |\n", "def f():\n    if x:  # why\n        FILL\n"),
        ("ruby", "if a then|\nend\n", "if a then\n    FILL\nend\n"),
        ("lua", "x(function() {|\n})\n", "x(function() {\n    FILL\n})\n"),
    ],
)
def test_a_block_is_completed_from_the_cursor_in_any_language(language, text, expected):
    assert filled(text, BLOCK, language) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n|\n",
        "for a in b:|\n    c()\n",
        "def f():\n    a()\n    |\n    b()\n",
        "def f():\n    a|()\n",
        "|\nx = 1\n",
    ],
)
def test_no_block_is_completed_away_from_the_end_of_a_block(text):
    assert filled(text, BLOCK) is None


@pytest.mark.parametrize(
    ("language", "text", "fill", "expected"),
    [
        ("python", "def f(a):|\n    return a\n", "Give a.", 'def f(a):\n    """Give a."""\n    return a\n'),
        (
            "python",
            "def f(a):  # b\n    return |a\n",
            "A.\n\n    B.",
            'def f(a):  # b\n    """A.\n\n    B.\n    """\n    return a\n',
        ),
        ("python", "class A:|\n  x = 1\n", "One.", 'class A:\n  """One."""\n  x = 1\n'),
        ("javascript", "export function f(a) {|\n}\n", "Give a.", "/**\n * Give a.\n */\nexport function f(a) {\n}\n"),
        ("java", "class A {\n  int f() {|\n  }\n}\n", "F.", "class A {\n  /**\n   * F.\n   */\n  int f() {\n  }\n}\n"),
        ("go", "package a\n\nfunc F() {|\n}\n", "F is.", "package a\n\n// F is.\nfunc F() {\n}\n"),
        ("rust", "fn f() {|\n}\n", "One.\n/// Two.", "/// One.\n/// Two.\nfn f() {\n}\n"),
        ("rust", "#[test]\nfn f() {|\n}\n", "One.", "/// One.\n#[test]\nfn f() {\n}\n"),
    ],
)
def test_a_docstring_goes_where_its_language_has_it(language, text, fill, expected):
    assert filled(text, DOCSTRING, language, fill) == expected


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", 'def f():|\n    """There."""\n'),
        ("python", "def f(): return 1|\n"),
        ("go", "package a\n\n// F is.\nfunc F() {|\n}\n"),
        ("rust", "/// A point.\n#[derive(Debug)]\nstruct Point {|\n}\n"),
        ("python", "x = 1|\n"),
    ],
)
def test_a_docstring_is_not_written_twice(language, text):
    assert filled(text, DOCSTRING, language) is None


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", "if a:\n    b()|\nc()\n", "if a:\n    b()\nelse:\n    FILL\nc()\n"),
        ("python", "if a:\n    b()|  # c\n", "if a:\n    b()  # c\nelse:\n    FILL\n"),
        (
            "python",
            "def f():\n    try:\n        a()\n    |\n",
            "def f():\n    try:\n        a()\n    except FILL\n    \n",
        ),
        ("python", "match a:\n    case 1:\n        b()|\n", "match a:\n    case 1:\n        b()\n    case FILL\n"),
        (
            "python",
            "match a:\n    case _ if b:\n        b()|\n",
            "match a:\n    case _ if b:\n        b()\n    case FILL\n",
        ),
        ("javascript", "if (a) {\n  b();|\n}\n", "if (a) {\n  b();\n} else {\n  FILL\n}\n"),
        ("javascript", "try {\n  a();|\n}\n", "try {\n  a();\n} catch (FILL\n}\n"),
        (
            "javascript",
            "switch (a) {\n  case 1:\n    b();|\n}\n",
            "switch (a) {\n  case 1:\n    b();\n    break;\n  default:\n    FILL\n}\n",
        ),
        (
            "javascript",
            "switch (a) {\n  case 1:\n    return b();|\n}\n",
            "switch (a) {\n  case 1:\n    return b();\n  default:\n    FILL\n}\n",
        ),
        (
            "go",
            "package a\n\nfunc f() {\n\tswitch a {\n\tcase 1:\n\t\tb()|\n\t}\n}\n",
            "package a\n\nfunc f() {\n\tswitch a {\n\tcase 1:\n\t\tb()\n\tdefault:\n\t\tFILL\n\t}\n}\n",
        ),
        (
            "go",
            "package a\n\nfunc f() {\n\tif a {\n\t\tb()|\n\t}\n}\n",
            "package a\n\nfunc f() {\n\tif a {\n\t\tb()\n\t} else {\n\t\tFILL\n\t}\n}\n",
        ),
        (
            "rust",
            "fn f() {\n    if a {\n        b();|\n    }\n}\n",
            "fn f() {\n    if a {\n        b();\n    } else {\n        FILL\n    }\n}\n",
        ),
        (
            "c",
            "int f() {\n  if (a) {\n    b();|\n  }\n}\n",
            "int f() {\n  if (a) {\n    b();\n  } else {\n    FILL\n  }\n}\n",
        ),
    ],
)
def test_a_missing_branch_comes_after_the_existing_ones(language, text, expected):
    assert filled(text, BRANCH, language) == expected


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "if a:\n    b()|\nelse:\n    c()\n"),
        ("python", "try:\n    a()|\nexcept E:\n    pass\n"),
        ("python", "if a: b()|\n"),
        ("python", "match a:\n    case 1:\n        b()|\n    case _:\n        c()\n"),
        ("python", "match a:\n    case 1:\n        b()|\n    case other:\n        c()\n"),
        ("javascript", "if (a) {\n  b();|\n} else {\n  c();\n}\n"),
        ("javascript", "switch (a) {\n  case 1:\n    b();|\n  default:\n}\n"),
        ("java", "class A {\n  void f() {\n    switch (a) {\n      case 1 -> b();|\n    }\n  }\n}\n"),
    ],
)
def test_no_branch_is_written_twice(language, text):
    assert filled(text, BRANCH, language) is None


@pytest.mark.parametrize(
    ("find_end", "text", "kept"),
    [
        (at_dedent(4), "a\n    b\n\n        c\nd", "a\n    b\n\n        c"),
        (at_dedent(4), "a\n    b", None),
        (at_dedent(8), "a\n\tb\n    c", "a\n\tb"),
        (at_mark('"""'), 'A.\n"""\n"""', "A.\n"),
        (at_end_of_comment("//"), "a\n// b\nfunc", "a\n// b"),
        (at_end_of_comment("//"), "a\n\n// b", "a"),
        (at_end_of_comment("//"), "a\n  // b\n", None),
    ],
)
def test_a_fill_ends_where_its_hole_says(find_end, text, kept):
    end = find_end(text)
    assert (None if end is None else text[:end]) == kept
