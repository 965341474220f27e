"""A change is made anew in other functions and of other names, where the scopes show that it may be."""

import pytest

from context.documents.document import Document, language_of
from context.documents.snapshot import Snapshot
from context.next_edit.by_example import fitting_sites
from context.next_edit.proposal import Rule
from context.next_edit.workspace.known_names import loses_what_means_nothing
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from tests.context.next_edit.typing_user import TypingUser


@pytest.mark.parametrize(
    ("path", "before", "change"),
    [
        (
            "a.py",
            "def one():\n    try:\n        f()\n    except KeyError:\n        raise Impossible()\n\n\n"
            "def two():\n    try:\n        g()\n    except KeyError:\n        raise Impossible()\n",
            (
                "except KeyError:\n        raise Impossible()\n",
                "except KeyError as e:\n        raise Impossible() from e\n",
            ),
        ),
        (
            "a.py",
            "def one(line: Line, index: int) -> None: ...\n\n\ndef two(line: Line, index: int) -> int: ...\n",
            ("line: Line, index: int)", "line: Line, indices: list[int])"),
        ),
        (
            "a.go",
            "package p\n\nfunc f() {\n\tfor i := int64(0); i < n; i++ {\n\t\tg(i)\n\t}\n}\n\n"
            "func h() {\n\tfor i := int64(0); i < n; i++ {\n\t\tk(i)\n\t}\n}\n",
            ("for i := int64(0); i < n; i++ {", "for i := range n {"),
        ),
        (
            "a.py",
            "hooks.add(is_enum, tools.same)\nhooks.add(is_list, tools.same)\n",
            ("tools.same", "lambda kind: kind + 1"),
        ),
        (
            "a.ts",
            "const a = readings.map(tools.twice)\nconst b = others.map(tools.twice)\n",
            ("tools.twice", "one => one * 2"),
        ),
        (
            "a.py",
            "a = tuple(names.values())\nb = tuple(names.values())\n",
            ("tuple(names.values())", "[name for _, name in names]"),
        ),
    ],
    ids=["a name that the code binds", "a parameter", "a comparison", "a lambda", "an arrow", "a comprehension"],
)
def test_code_that_binds_a_name_or_compares_follows(
    path: str, before: str, change: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    user = TypingUser({path: before})
    start = before.index(change[0])
    user.become(path, start, start + len(change[0]), change[1])
    user.accept_all()
    assert user.text == before.replace(*change)


def test_changes_in_one_header_are_repeated_in_other_headers() -> None:
    user = TypingUser(
        {"a.py": "import typing as t\n\n\ndef f(a: t.Set[str], b: t.Set[str]): ...\n\n\ndef g(c: t.Set[int]): ...\n"}
    )
    user.replace("a: t.Set[str]", "a: set[str]")
    user.replace("b: t.Set[str]", "b: set[str]")
    user.accept_all()
    assert user.text.endswith("def g(c: set[int]): ...\n")


def test_strings_that_became_code_are_followed_by_others() -> None:
    user = TypingUser({"a.py": 'def f(a: "App"): ...\n\n\ndef g(b: "App"): ...\n\n\ndef h(c: "App"): ...  # "App"\n'})
    user.replace('a: "App"', "a: App")
    user.replace('b: "App"', "b: App")
    user.accept_all()
    assert user.text.endswith('def h(c: App): ...  # "App"\n')


def test_a_type_that_was_put_in_quotes_is_so_elsewhere() -> None:
    lines = [f'    return cast(str, self.settings.get("{name}", ""))\n' for name in ("one", "two", "three")]
    user = TypingUser({"a.py": "".join(f"def f{n}(self) -> str:\n{line}\n\n" for n, line in enumerate(lines))})
    for line in lines[:2]:
        user.replace(line, line.replace("str,", '"str",'))
    user.accept_all()
    assert user.text.count('cast("str", ') == 3
    assert user.text.count("-> str:") == 3


def test_a_form_of_types_that_changed_twice_in_one_function_changes_in_others() -> None:
    body = "        self.one: Optional[str] = None\n        self.two: Optional[int] = None\n"
    user = TypingUser({"a.py": f"class A:\n    def f(self):\n{body}\n\ndef g(three: Optional[Path]): ...\n"})
    user.replace("Optional[str]", "str | None")
    user.replace("Optional[int]", "int | None")
    user.accept_all()
    assert user.text.endswith("def g(three: Path | None): ...\n")


def test_of_many_places_those_below_the_change_are_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the members of a class: of the 60 above only some are looked at."""
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    members = "".join(f"    def f{n}(self):\n        return self._storage\n\n" for n in range(60))
    user = TypingUser({"a.py": f"class A:\n    def __init__(self):\n        self._storage = 1\n\n{members}"})
    for n in (56, 57):
        user.replace(f"f{n}(self):\n        return self._storage", f"f{n}(self):\n        return self._items")
    assert user.propose()[0].start > user.cursor


PARAMETERS = "".join(f"def {name}(cls, __value: Any):\n    return __value\n\n\n" for name in ("one", "two", "three"))


@pytest.mark.parametrize(("changed", "count"), [(("one", "two"), 3), (("one",), 1)])
def test_a_parameter_renamed_in_two_functions_follows_in_the_next_one(
    changed: tuple[str, ...], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    user = TypingUser({"a.py": PARAMETERS})
    for name in changed:
        user.replace(f"{name}(cls, __value: Any):\n    return __value", f"{name}(cls, value: Any):\n    return value")
    user.accept_all()
    assert user.text.count("(cls, value: Any)") == count


@pytest.mark.parametrize("is_import_left", [False, True])
def test_a_name_whose_import_is_gone_becomes_the_one_that_came_for_it(
    is_import_left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.52)
    old = "from m import OptionalSequence\n"
    text = "one: OptionalSequence[int] = None\n\n\ntwo: OptionalSequence[str] = None\n"
    user = TypingUser({"a.py": f"{old}{text}"})
    user.replace(old, (old if is_import_left else "") + "from m import Sequence\n")
    user.replace("one: OptionalSequence", "one: Sequence")
    texts = [(one.text, user.text[one.start : one.end]) for one in user.propose()]
    assert texts == ([] if is_import_left else [("Sequence", "OptionalSequence")])


def test_a_place_is_surer_where_what_goes_means_nothing_any_more() -> None:
    sure = {}
    for is_gone in (True, False):
        first, far = "from shop import Basket\n", "\n" * 40
        user = TypingUser({"a.py": f"{first}{far}one = Basket.of(1)\n{far}two = Basket.of(2)\n"})
        if is_gone:
            user.replace(first, "")
        user.replace("Basket.of(1)", "load(1)")
        document = user.buffers["a.py"]
        files = WorkspaceFiles((document,), None)
        found = fitting_sites(user.ring.recent(), Snapshot(document, 0, ()), files, 0.0)
        sure[is_gone] = max(proposal.confidence for _, proposal in found)
    assert sure[True] > sure[False]


@pytest.mark.parametrize(
    ("path", "words"), [("a.ts", ("this", ".", "running", "=", "false")), ("a.go", ("var", "string", "=", "nil"))]
)
def test_the_words_of_a_language_do_mean_something(path: str, words: tuple[str, ...]) -> None:
    document = Document(path, "\n", language_of(path), 0)
    assert not loses_what_means_nothing(words, (), document)
    assert loses_what_means_nothing((*words, "gone"), (), document)


@pytest.mark.parametrize("is_left", [False, True])
def test_an_import_goes_from_the_next_file_too_where_it_went_with_all_uses(is_left: bool) -> None:
    line = "from shop.baskets import Basket\n"
    before = f"import os\n{line}from shop.prices import total\n\n\ndef f(basket: Basket):\n    return total(basket)\n"
    user = TypingUser({"a.py": before, "b.py": before.replace("f(", "g(")})
    user.replace("basket: Basket", "basket: Basket | None" if is_left else "basket: object")
    user.replace(line, "")
    user.replace("import os\n", "import sys\n", "b.py")
    assert [one.text for one in user.propose() if user.text[one.start : one.end] == line] == ([] if is_left else [""])


def test_two_changes_of_one_function_are_made_anew_in_others_beside_the_same_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    user = TypingUser(
        {
            "a.py": "def one(config):\n    first = config['theme']\n    second = f(config['theme'])\n\n\n"
            "def two(config):\n    return f(config['theme'])\n"
        }
    )
    user.replace("first = config['theme']", "first = config.theme")
    user.replace("second = f(config['theme'])", "second = f(config.theme)")
    user.accept_all()
    assert user.text.endswith("def two(config):\n    return f(config.theme)\n")


def test_a_parameter_that_comes_with_another_one_is_bound_by_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    head, old = "(\n" + "    name=1,\n" * 8, "    closed=None,\n"
    user = TypingUser(
        {"a.py": f"def one{head}{old}): ...\n\n\ndef two{head}{old}): ...\n\n\ndef three():\n    width = 1\n"}
    )
    new = "    closed: bool = False,\n    width: bool = True,\n"
    user.replace(f"one{head}{old}", f"one{head}{new}")
    document = user.buffers["a.py"]
    found = fitting_sites(user.ring.recent(), Snapshot(document, 0, ()), WorkspaceFiles((document,), None), 0.5)
    assert new in {proposal.text for _, proposal in found}


def test_what_came_into_a_line_comes_into_an_equal_one_between_equal_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    one = "def one():\n    names = []\n    kinds = names + load(names)\n    return kinds + some()\n"
    other = "def other():\n    names = []\n    kinds = names + load(names)\n    return kinds + all()\n"
    user = TypingUser({"a.py": one + other})
    user.replace("load(names)\n    return kinds + some()", "extra + load(names)\n    return (kinds, some)")
    assert [proposal.text for proposal in user.propose()] == [" + extra "]


@pytest.mark.parametrize(
    ("path", "before", "change", "after"),
    [
        (
            "a.py",
            "import typing as t\n\n\ndef f(x: t.Optional[int] = None):\n    pass\n\n\n"
            "def g(y: t.Optional[dict[str, int]] = None):\n    pass\n",
            ("x: t.Optional[int]", "x: int | None"),
            "def g(y: dict[str, int] | None = None):",
        ),
        (
            "a.py",
            "import ast\n\nadd(ast.Text(value=1))\n\nadd(ast.Text(value=2))\n",
            ("ast.Text(value=1)", "ast.Constant(value=1)"),
            "add(ast.Constant(value=2))",
        ),
        (
            "a.py",
            "class A:\n    def f(self):\n        with self.lock:\n            self.count = self.count + 1\n"
            "            self.changed = True\n        return self.count\n\n"
            "    def g(self):\n        with self.lock:\n            self.count = self.count + 1\n"
            "            self.changed = True\n        return self.count\n",
            (
                "def f(self):\n        with self.lock:\n            self.count = self.count + 1\n"
                "            self.changed = True",
                "def f(self):\n        with self.lock:\n            self.counts.append(1)\n            self.notify()",
            ),
            "    def g(self):\n        with self.lock:\n            self.counts.append(1)\n            self.notify()",
        ),
        (
            "a.py",
            "from jobs import (\n    add,\n    gc,\n    remove,\n    show,\n)\n\n"
            "COMMANDS = [\n    add,\n    gc,\n    remove,\n    show,\n]\n",
            ("gc,\n    remove,\n    show,\n)", "gc,\n    queue,\n    remove,\n    show,\n)"),
            "COMMANDS = [\n    add,\n    gc,\n    queue,\n    remove,\n    show,\n]",
        ),
        (
            "a.py",
            "import log\n\n\ndef f(x):\n    log.warn(x, 'one')\n\n\n"
            "def g(x):\n    log.warn(x, 'two')\n\n\ndef h(x):\n    log.warn(x, 'three')\n",
            ("log.warn(x, 'one')", "log.warning(x, 'one')"),
            "    log.warning(x, 'two')",
        ),
        (
            "a.py",
            "def f(kind, value, tb):\n    one(kind, value, tb)\n    two(kind, value, tb, 1)\n",
            ("one(kind, value, tb)", "one(kind, evalue, etb)"),
            "    two(kind, evalue, etb, 1)",
        ),
    ],
)
def test_a_place_for_which_enough_speaks_is_proposed(
    path: str, before: str, change: tuple[str, str], after: str
) -> None:
    user = TypingUser({path: before})
    user.replace(*change)
    assert {one.rule for one in user.propose()} == {Rule.REPEATED}
    user.accept_all()
    assert f"\n{after}\n" in user.text


def test_what_two_rules_find_is_as_sure_as_the_surer_says_and_has_the_name_of_the_first() -> None:
    """A rename that was made at a use goes on with the uses whose lines and words beside it are the same."""
    uses = "".join(f"    {use}\n" for use in ("g(1, size, 2)", "k[size] = 0", "g(1, size, 2)"))
    user = TypingUser({"a.py": f"def f(size):\n{uses}"})
    user.replace("f(size)", "f(width)")
    start = user.text.index("size")
    user.become("a.py", start, start + len("size"), "width")
    alone, alike = sorted(user.propose(), key=lambda one: one.start)
    assert alike.confidence > alone.confidence
    assert alike.rule == alone.rule == Rule.RENAME


def test_a_place_soon_below_the_cursor_is_surer_than_one_further_down() -> None:
    user = TypingUser({"a.py": "x: t.Optional[A]\n\n\ny: t.Optional[B]\n" + "\n" * 40 + "z: t.Optional[C]\n"})
    user.replace("t.Optional[A]", "A | None")
    document = user.buffers["a.py"]
    files = WorkspaceFiles((document,), None)
    found = fitting_sites(user.ring.recent(), Snapshot(document, user.cursor, ()), files, 0.0)
    near, far = [one.confidence for _, one in sorted(found, key=lambda each: each[1].start)]
    assert near > far
