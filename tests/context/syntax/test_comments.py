import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.syntax.comments import is_in_comment


def at(language: str, marked: str) -> Snapshot:
    before, after = marked.split("¦")
    return Snapshot(Document("a", before + after, language, 1), len(before))


IN = [
    ("python", "x = 1  # say ¦"),
    ("python", "#¦"),
    ("python", "def f():\n    # TODO: ¦\n    return 1\n"),
    ("python", "s = '#'  # ¦"),
    ("python", "def f(:\n  x = ((  # ¦"),  # what cannot be parsed
    ("javascript", "f(); // ¦"),
    ("javascript", "/* one\n * ¦\n */\nf();"),
    ("typescript", "/** one\n * ¦"),  # not closed yet
    ("rust", "/// Adds ¦\nfn add<'a>() {}\n"),
    ("go", "x := 1 // ¦\n"),
    ("c", "int x; /* ¦ */\n"),
    # Without a grammar.
    ("lua", "x = 1 -- ¦"),
    ("lua", "--[[ one\n ¦\n]]"),
    ("sql", "SELECT 1; /* ¦"),
    ("yaml", "key: value # ¦"),
    ("haskell", "f' x = x -- ¦"),
    ("scheme", "(f) ; ¦"),
    ("html", "<p>a</p>\n<!-- ¦ -->"),
    ("css", "a { color: red } /* ¦ */"),
    ("vim", '  " ¦'),
    ("kotlin", 'val s = "a" // ¦'),
]
OUT = [
    ("python", "x = ¦  # comment"),
    ("python", "x = '# ¦'"),
    ("python", '"""Doc.\n\n# heading ¦\n"""\n'),
    ("python", "# comment\n¦"),
    ("python", 'x = "# ¦'),  # a string that is not closed yet
    ("python", "¦# comment"),
    ("javascript", "x = 'http://host/¦'"),
    ("javascript", "glob('src/**/*.ts', ¦)"),
    ("javascript", "/* over */¦"),
    ("typescript", "x = `// ${¦}`"),
    ("go", 'x := "// ¦"\n'),
    # Without a grammar.
    ("yaml", "key: a#b¦"),
    ("shellscript", "echo $#¦"),
    ("kotlin", 'val s = "// ¦"'),
    ("kotlin", 'val s = "a/*"\n¦'),
    ("latex", "100\\%¦"),
    ("vim", 'echo "¦"'),
    ("markdown", "# Title ¦"),
    ("plaintext", "# not code ¦"),
    ("json", '{"a": "//¦"}'),
    ("brand-new", "# ¦"),
]


@pytest.mark.parametrize(("language", "marked"), IN)
def test_in_a_comment(language, marked):
    assert is_in_comment(at(language, marked))


@pytest.mark.parametrize(("language", "marked"), OUT)
def test_outside_comments(language, marked):
    assert not is_in_comment(at(language, marked))
