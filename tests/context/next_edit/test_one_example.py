"""The rule of one example proposes the places that look as a changed place did before."""

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.next_edit.by_example import fitting_sites
from context.next_edit.chunks import chunks_of
from context.next_edit.patterns import pattern_of
from context.next_edit.sites import find_sites
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from tests.context.next_edit.typing_user import TypingUser

# The text before, one change, and the lines that the change makes of other places.
SITES = {
    "lines": (
        "a.py",
        "try:\n    g(a)\nexcept KeyError:\n    raise Impossible()\n"
        "if x:\n    try:\n        g(b)\n    except KeyError:\n        raise Impossible()\n",
        (
            "g(a)\nexcept KeyError:\n    raise Impossible()",
            "g(a)\nexcept KeyError as e:\n    raise Impossible() from e",
        ),
        ["    except KeyError as e:", "        raise Impossible() from e"],
    ),
    "an argument less": (
        "a.py",
        "f(one, strict=strict)\ng(\n    two, strict=strict\n)\nh(strict=strict)\n",
        ("f(one, strict=strict)", "f(one)"),
        ["    two"],
    ),
    "a type": (
        "a.ts",
        "const a: Nullable<string> = f();\nconst b: Nullable<Map<string, number>> = g();\nconst c = Nullable(d);\n",
        ("a: Nullable<string>", "a: string | null"),
        ["const b: Map<string, number> | null = g();"],
    ),
    "an insertion between equal words": (
        "a.py",
        "def f(self, a: t.IO) -> None: ...\ndef g(self, b: t.IO) -> int: ...\ndef h(self, c: t.IO = None): ...\n",
        ("a: t.IO)", "a: t.IO[t.Any])"),
        ["def g(self, b: t.IO[t.Any]) -> int: ..."],
    ),
    "an argument more": (
        "a.py",
        "a = one.search(self.buffer)\nb = two.search(self.buffer)\n"
        "c = three.find(self.buffer)\nd = search(self.buffer)\n",
        ("one.search(self.buffer", "one.search(self.buffer, self.place"),
        ["b = two.search(self.buffer, self.place)"],
    ),
    "a line in place of which much new code came": (
        "a.py",
        "value = self.read()\nx()\nvalue = self.read()\n",
        ("value = self.read()\nx", "".join(f"value_{n} = read({n})\n" for n in range(9)) + "x"),
        [],
    ),
    "a part of a call that became another one": (
        "a.py",
        "put(ctx, s.Info, abbrev, 1)\nput(ctx, s.Info, code, 2)\n",
        ("put(ctx, s.Info, abbrev, 1)", "emit(ctx, abbrev, 1)"),
        [],
    ),
    "a call": (
        "a.go",
        'package p\n\nfunc f() {\n\tlog.Printf("f", a)\n}\n\nfunc g() {\n\tlog.Printf("g", a)\n\tx.log.Print(b)\n}\n',
        ('log.Printf("f"', 'base.Debugf("f"'),
        ['\tbase.Debugf("g", a)', '\tlog.Debugf("g", a)'],
    ),
}


@pytest.mark.parametrize("name", SITES)
def test_a_change_is_made_anew_at_each_place_that_looks_so(name: str) -> None:
    path, before, change, expected = SITES[name]
    user = TypingUser({path: before})
    user.replace(*change)
    document = user.buffers[path]
    edit = user.ring.recent()[0]
    sites = [
        site
        for chunk in chunks_of(edit)
        if (pattern := pattern_of(edit, chunk, document)) is not None
        for site in find_sites(pattern, document)
    ]
    made = {line for site in sites for line in _changed(document, site.start, site.end, site.text)}
    assert made == set(expected)


def test_what_stands_on_several_lines_does_not_come_onto_one() -> None:
    user = TypingUser({"a.py": "a = Part(\n    wide=1,\n    deep=2,\n)\nb = Part(\n    wide=1,\n    deep=2,\n)\n"})
    user.replace("a = Part(\n    wide=1,\n    deep=2", "a = Part(\n    size=1,\n    high=2")
    document, edit = user.buffers["a.py"], user.ring.recent()[0]
    patterns = [pattern_of(edit, chunk, document) for chunk in chunks_of(edit)]
    sites = [site for pattern in patterns if pattern is not None for site in find_sites(pattern, document)]
    assert {site.text for site in sites} == {"size", "high", "    size=1,\n    high=2,\n"}


def _changed(document: Document, start: int, end: int, text: str) -> list[str]:
    changed = document.text[:start] + text + document.text[end:]
    return [line for line in changed.splitlines() if line not in document.text.splitlines()]


@pytest.mark.parametrize(
    ("before", "change"),
    [
        # a name that means nothing there
        (
            "def f(x, strict):\n    load(x)\n\n\ndef g(x):\n    load(x)\n",
            ("strict):\n    load(x)", "strict):\n    load(x, strict=strict)"),
        ),
        ("a = 1\nb = 1\n", ("a = 1", "a = 2")),
        # in a string and in a comment
        ("a: Optional[int] = 1\n'Optional[int] '\n# b: Optional[int]\n", ("a: Optional[int]", "a: int | None")),
        # a type in quotes, which is no operand
        ('a: Optional[int] = 1\nb: Optional["B"] = 2\n', ("a: Optional[int]", "a: int | None")),
        # the last word is still being typed
        ("def f(basket):\n    return basket\n", ("f(basket", "f(baske")),
        # the name of another object's member
        ("import ast\n\na = ast.Text(1)\nb = doc.Text(2)\n", ("ast.Text(1)", "ast.Constant(1)")),
        # a parameter, a variable and an import that are used elsewhere
        (
            "def f(a, scope, receive):\n    pass\n\n\ndef g(b, scope, receive):\n    return scope\n",
            ("f(a, scope, receive)", "f(a)"),
        ),
        (
            "def f():\n    scope = load(1)\n\n\ndef g():\n    scope = load(1)\n    return scope\n",
            ("def f():\n    scope = load(1)", "def f():\n    load(1)"),
        ),
        # a name that became two others
        (
            "SIZE, LIMIT, DEPTH = abc\na = load(SIZE, 1)\nb = load(SIZE, 1)\nc = load(SIZE, 2)\nd = load(SIZE, 1)\n",
            (
                "a = load(SIZE, 1)\nb = load(SIZE, 1)\nc = load(SIZE, 2)",
                "a = load(LIMIT, 1)\nb = load(LIMIT, 1)\nc = load(DEPTH, 2)",
            ),
        ),
        # a name that is bound for what follows
        (
            "def f():\n    try:\n        g()\n    except KeyError:\n        use()\n\n"
            "def h():\n    try:\n        g()\n    except KeyError:\n        pass\n",
            ("except KeyError:\n        use", "except KeyError as error:\n        use"),
        ),
        # an import of one function
        (
            "from m import Path\n\n\ndef f():\n    from m import Path\n\n    return Path\n",
            ("from m import Path\n\n\ndef", "if T:\n    from m import Path\n\n\ndef"),
        ),
        # a condition without what it is one of
        (
            "def f():\n    if encoding is None:\n        one()\n\n\ndef g():\n    if encoding is None:\n        g()\n",
            ("    if encoding is None:\n        one()", "    one()"),
        ),
        # another call of the name
        ("def load(x, y):\n    a.load(x)\n    b.load(x)\n", ("    a.load(x)", "    a.load(x, y=y)")),
    ],
)
def test_one_change_that_does_not_fit_elsewhere_gives_nothing(
    before: str, change: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 1.0)
    user = TypingUser({"a.py": before})
    user.replace(*change)
    assert user.propose() == ()


MEMBERS = """class A:
    def __init__(self, other):
        self._storage = []
        self.other = other

    def first(self):
        return self._storage[0]

    def last(self):
        return self._storage[-1]

    def both(self, other):
        return other._storage[0], self.other._storage[0], A._storage[0]


class B:
    def __init__(self):
        self._storage = []

    def first(self):
        return self._storage[0]
"""

NAMES = """from m import Item, Part


def one(x: Part[int], y) -> Item[int]:
    pass


def two(x: Part[int], y) -> Item[int]:
    pass


def three(x: Part[int], y) -> Item[int]:
    pass


def four(Item):
    def five(x: Part[int], y) -> Item[int]:
        pass


KINDS = [Item[int]]
"""


def test_a_member_of_self_follows_in_its_class_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    user = TypingUser({"a.py": MEMBERS})
    user.replace("return self._storage[-1]", "return self._items[-1]")
    (proposal,) = user.propose()
    assert (proposal.start, proposal.text) == (user.text.index("_storage[0]\n\n    def last"), "_items")


@pytest.mark.parametrize(
    ("changed", "confidence", "count"),
    [
        (("one", "two"), 0.55, 1),
        (("one", "two"), 0.45, 0),
        (("one",), 0.55, 0),  # one change of a name is no repetition
    ],
)
def test_a_name_that_was_changed_twice_follows_where_it_is_bound_to_the_same(
    changed: tuple[str, ...], confidence: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: confidence)
    user = TypingUser({"a.py": NAMES})
    for name in changed:
        header = f"def {name}(x: Part[int], y) -> "
        user.replace(f"{header}Item[int]", f"{header}Part[int]")
    starts = [user.text.index("Item[int]:\n    pass\n\n\ndef four")][:count]
    assert [(one.start, one.text) for one in user.propose()] == [(start, "Part") for start in starts]


def test_a_name_beside_which_more_was_changed_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.55)
    user = TypingUser({"a.py": NAMES})
    for name in ("one", "two"):
        user.replace(f"def {name}(x: Part[int], y) -> Item[int]", f"def {name}(x: Part[int], z) -> Part[int]")
    assert user.propose() == ()


def test_a_name_that_gets_another_value_does_not_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.55)
    user = TypingUser({"a.py": "count = 0\ntotal = 1\na()\ntotal = 2\na()\ntotal = 3\n"})
    for value in (1, 2):
        user.replace(f"total = {value}", f"count = {value}")
    assert user.propose() == ()


def test_a_place_in_a_file_that_the_user_edited_and_left_does_not_follow() -> None:
    user = TypingUser(
        {"a.py": "import ast\n\nadd(ast.Text(value=1))\n\nadd(ast.Text(value=2))\n", "b.py": "x = 1\n"},
    )
    user.replace("ast.Text(value=1)", "ast.Constant(value=1)")
    assert len(user.propose()) == 1
    user.replace("x = 1", "x = 2", "b.py")
    assert user.propose() == ()


LIST = "".join(f"{name} = t.Optional[{kind}]\n" + "\n" * 5 for name, kind in (("one", "A"), ("two", "B"), ("six", "C")))


@pytest.mark.parametrize(
    ("old", "new", "is_found"),
    [("size = 1", "size = 2", False), ("t.Optional[C]", "C | None", True)],
)
def test_a_place_that_the_user_passed_by_is_left(old: str, new: str, is_found: bool) -> None:
    """A user who accepts a proposal further down has not passed by the places above it."""
    user = TypingUser({"a.py": f"import typing as t\n\n{LIST}size = 1\n"})
    user.replace("t.Optional[A]", "A | None")
    assert "B | None" in [proposal.text for proposal in user.propose()]
    user.replace(old, new)
    assert ("B | None" in [proposal.text for proposal in user.propose()]) is is_found


def test_a_place_is_surer_below_a_small_change_than_above_it_or_below_a_big_one() -> None:
    rest = "size = 1\n" * 20
    found: list[dict[str, float]] = []
    for becomes in (rest, rest.replace("1", "2")):
        text = f"import typing as t\n\n{LIST}".replace("t.Optional[B]\n", f"t.Optional[B]\n{rest}")
        user = TypingUser({"a.py": text})
        user.replace(f"t.Optional[B]\n{rest}", f"B | None\n{becomes}")
        document = user.buffers["a.py"]
        snapshot = Snapshot(document, user.cursor, ())
        sites = fitting_sites(user.ring.recent(), snapshot, WorkspaceFiles((document,), None), 0.0)
        found.append({proposal.text: proposal.confidence for _, proposal in sites})
    small, big = found
    assert small["C | None"] > max(small["A | None"], big["C | None"])
