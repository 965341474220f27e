import pytest

from context.next_edit.proposal import Rule
from tests.context.next_edit.typing_user import TypingUser

CASES = {
    "added.py": (
        "def load(path, mode):\n    return path\n\n\n"
        "def f(path, strict):\n    load(path, 'r')\n    load(path, mode='r')\n"
        "    x.load(path, 'r')\n    load(*path)\n    load(path, strict, 'r')\n\n\ndef g(path):\n    load(path, 'r')\n",
        ("load(path, mode):", "load(path, strict, mode):"),
        [
            (
                "    load(path, 'r')\n    load(path, mode='r')",
                "    load(path, strict, 'r')\n    load(path, strict, mode='r')",
            )
        ],
    ),
    "keyword.py": (
        "def load(path, *, mode):\n    pass\n\n\n"
        "def f(path, strict):\n    load(\n        path,\n        mode=1,\n    )\n",
        ("*, mode", "*, mode, strict=False"),
        [("        mode=1,\n", "        mode=1,\n        strict=strict,\n")],
    ),
    "removed.py": (
        "def load(path, mode, strict=False):\n    pass\n\n\n"
        "load(a, b)\nload(a, b, True)\nload(a, mode=b, strict=True)\n"
        "load(a, mode=b)\nload(a)\n",
        ("path, mode, strict", "path, strict"),
        [("load(a, b, True)", "load(a, True)"), ("mode=b, strict", "strict"), ("load(a, mode=b)", "load(a)")],
    ),
    "removed together.py": (
        "def load(path, mode=1, strict=False, *, text=True):\n    pass\n\n\n"
        "load(a, b, True)\nload(a, text=c, mode=b, strict=d)\nload(a, mode=b, x=1, text=c)\n",
        ("path, mode=1, strict=False, *, text=True", "path"),
        [
            ("load(a, b, True)", "load(a)"),
            ("load(a, text=c, mode=b, strict=d)", "load(a)"),
            ("load(a, mode=b, x=1, text=c)", "load(a, x=1)"),
        ],
    ),
    "named beside.py": (
        "def load(path):\n    pass\n\n\n"
        "def f(self):\n    print(self.app.env)\n    load(1)\n\n\n"
        "def g(a, b):\n    print(a.env, b.env)\n    load(2)\n\n\n"
        "def h(a):\n    a.env()\n    load(3)\n",
        ("load(path):", "load(path, env):"),
        [("load(1)", "load(1, self.app.env)")],
    ),
    "method.py": (
        "class A:\n    def load(self, path):\n        pass\n\n    def f(self, path, mode):\n        self.load(path)\n"
        "        other.load(path)\n",
        ("load(self, path)", "load(self, path, mode)"),
        [("self.load(path)", "self.load(path, mode)")],
    ),
    "constructor.py": (
        "class A:\n    def __init__(self, path):\n        pass\n\n\ndef f(mode):\n    return A('x')\n",
        ("(self, path)", "(self, path, mode)"),
        [("A('x')", "A('x', mode)")],
    ),
    "lost and gained.py": (
        "def fix(node, after, *, preview):\n    pass\n\n\n"
        "class A:\n    def __init__(self, mode):\n        self.mode = mode\n\n"
        "    def f(self, node, features):\n        fix(\n            node,\n            after=1,\n"
        "            preview=self.mode.preview,\n        )\n",
        ("after, *, preview", "after, *, mode, features"),
        [
            (
                "            preview=self.mode.preview,\n",
                "            mode=self.mode,\n            features=features,\n",
            )
        ],
    ),
    "two gained.py": (
        "def load(path, strict=True):\n    pass\n\n\n"
        "def f(path, mode, size):\n    load(path)\n    load(path, strict=False)\n",
        ("path, strict=True", "path, mode, size, strict=True"),
        [
            ("    load(path)\n", "    load(path, mode, size)\n"),
            ("load(path, strict=False)", "load(path, mode, size, strict=False)"),
        ],
    ),
    "outside.py": (
        "class Box:\n    def load(self, path):\n        pass\n\n\n"
        "def f(box: Box, other: Other, mode):\n    box.load('x')\n    other.load('x')\n",
        ("load(self, path)", "load(self, path, mode)"),
        [("box.load('x')", "box.load('x', mode)")],
    ),
    "added.ts": (
        "function load(path: string) {}\nfunction f(strict: boolean) { load('x'); x.load('x'); load('y', strict); }\n",
        ("path: string", "path: string, strict: boolean"),
        [("load('x'); x", "load('x', strict); x")],
    ),
    "added.go": (
        "package p\n\nfunc load(path string) {}\n\nfunc f(ctx Context) { load(a); x.load(a) }\n",
        ("load(path", "load(ctx Context, path"),
        [("load(a);", "load(ctx, a);")],
    ),
}


@pytest.mark.parametrize("path", CASES)
def test_the_calls_follow_the_parameters(path: str) -> None:
    before, change, expected = CASES[path]
    user = TypingUser({path: before})
    user.replace(*change)
    assert {proposal.rule for proposal in user.propose()} == {Rule.SIGNATURE}
    user.accept_all()
    after = before.replace(*change)
    for old, new in expected:
        assert after.count(old) == 1
        after = after.replace(old, new)
    assert user.text == after


GIVEN = {
    "a literal.go": (
        "package p\n\nfunc load(path string) {}\n\nfunc f() { load(a) }\n\n"
        "func g() { load(b) }\n\nfunc h() { load(c, x) }\n",
        [("path string", "path string, strict bool"), ("load(a)", "load(a, false)")],
        [("load(b)", "load(b, false)")],
    ),
    "a name of the file.py": (
        "MODE = 1\n\n\ndef load(path):\n    pass\n\n\n"
        "def f(own):\n    load(1)\n    load(2)\n\n\ndef g():\n    load(3)\n",
        [("load(path)", "load(path, mode)"), ("load(1)", "load(1, MODE)")],
        [("load(2)", "load(2, MODE)"), ("load(3)", "load(3, MODE)")],
    ),
    "a name of one function.py": (
        "def load(path):\n    pass\n\n\ndef f(own):\n    load(1)\n    load(2)\n\n\ndef g():\n    load(3)\n",
        [("load(path)", "load(path, mode)"), ("load(1)", "load(1, own)")],
        [("load(2)", "load(2, own)")],
    ),
    "a keyword that is handed on.py": (
        "def load(path, *, deep):\n    pass\n\n\n"
        "def f(mode):\n    load(1, deep=2)\n\n\ndef g():\n    load(3, deep=4)\n",
        [("*, deep", "*, deep, mode"), ("deep=2", "deep=2, mode=mode")],
        [("load(3, deep=4)", "load(3, deep=4, mode=mode)")],
    ),
}


@pytest.mark.parametrize("path", GIVEN)
def test_a_value_that_one_call_was_given_is_given_to_others_where_it_means_the_same(path: str) -> None:
    text, changes, expected = GIVEN[path]
    user = TypingUser({path: text})
    for change in changes:
        user.replace(*change)
        text = text.replace(*change)
    user.accept_all()
    for old, new in expected:
        assert text.count(old) == 1
        text = text.replace(old, new)
    assert user.text == text


FIELDS = {
    "dataclass.py": (
        "@dataclass\nclass Box:\n    size: int\n\n\n"
        "def f(size, color):\n    return [Box(size), Box(size=size), other.Box(1)]\n",
        ("size: int\n", "size: int\n    color: str\n"),
        "[Box(size, color), Box(size=size, color=color), other.Box(1)]",
    ),
    "struct.go": (
        "package p\n\ntype Box struct {\n    Size int\n}\n\nfunc f(size int, color string) {\n"
        "    a := []Box{Box{Size: size}, Box{1}}\n}\n",
        ("Size int\n", "Size int\n    Color string\n"),
        "[]Box{Box{Size: size, Color: color}, Box{1}}",
    ),
    "struct.rs": (
        "struct Box {\n    size: u8,\n}\n\nfn f(size: u8, color: u8) {\n    [Box { size }, Box { ..other }]\n}\n",
        ("size: u8,\n}", "size: u8,\n    color: u8,\n}"),
        "[Box { size, color }, Box { ..other }]",
    ),
}


@pytest.mark.parametrize("path", FIELDS)
def test_a_new_field_is_set_where_the_others_are(path: str) -> None:
    before, change, expected = FIELDS[path]
    user = TypingUser({path: before})
    user.replace(*change)
    assert {proposal.rule for proposal in user.propose()} == {Rule.FIELD}
    user.accept_all()
    assert expected in user.text


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ("def load(a):\n    pass\n\n\nload(1)\n", ("load(a):", "load(a, b):")),  # nothing is known for b
        (  # the instance is an argument too
            "class A:\n    def run(self, a, b):\n        pass\n\n\nclass B(A):\n    def go(self):\n"
            "        A.run(self, 1, 2)\n",
            ("run(self, a, b)", "run(self, b)"),
        ),
        ("def load(a):\n    pass\n\n\ndef f(b):\n    load(1)\n", ("load(a):", "load(a, b, *rest):")),
        ("def load(a):\n    pass\n\n\ndef f(b):\n    load(1, b)\n", ("load(a):", "load(a, b):")),  # it fits already
        ("def load(a, b=1):\n    pass\n\n\nload(1)\nload(1, 2)\n", ("load(a, b=1):", "load(a, c=1):")),
        # the value may be that of the new parameter already, or the parameter has another name only
        ("def load(a, b):\n    pass\n\n\ndef f(c, d):\n    load(1, 2)\n", ("load(a, b):", "load(a, c, d):")),
        ("def load(a, b):\n    pass\n\n\ndef f(c, b):\n    load(1, b)\n", ("load(a, b):", "load(a, c):")),
        # a lost and a new parameter that may hold one thing in two forms
        ("def load(a, options=None):\n    pass\n\n\nload(1, options=f(2))\n", ("options=None", "hashes=None, size=1")),
        # of two new parameters only one is known
        ("def load(a):\n    pass\n\n\ndef f(b):\n    load(1)\n", ("load(a):", "load(a, b, c):")),
    ],
)
def test_a_call_is_left_alone_where_in_doubt(before: str, change: tuple[str, str]) -> None:
    user = TypingUser({"a.py": before})
    user.replace(*change)
    assert user.propose() == ()


def test_an_optional_parameter_is_not_handed_on_to_a_call_that_the_user_has_changed() -> None:
    text = "def load(a):\n    pass\n\n\ndef f(deep, strict):\n    load(1)\n    load(2)\n"
    user = TypingUser({"a.py": text})
    user.replace("load(a):", "load(a, deep=None, strict=None):")
    user.replace("load(1)", "load(1, deep=0)")
    assert [one.text for one in user.propose()] == [", deep=deep, strict=strict"]


def test_an_optional_parameter_takes_the_value_of_another_call_less_surely() -> None:
    user = TypingUser({"a.py": "def load(a, *, deep):\n    pass\n\n\nload(1, deep=2)\nload(3, deep=4)\n"})
    user.replace("*, deep", "*, deep, mode, strict=False")
    user.replace("load(1, deep=2", "load(1, deep=2, mode=1")
    (needed,) = user.propose()
    user.accept(needed)
    user.replace("load(1, deep=2, mode=1", "load(1, deep=2, mode=1, strict=True")
    assert user.text.endswith("load(3, deep=4, mode=1)\n")
    assert all(one.confidence < needed.confidence for one in user.propose())


def test_a_lost_parameter_is_no_longer_handed_on_to_the_function_of_the_same_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.0)
    text = (
        "class B(A):\n    def add(self, item, quiet=False):\n        super().add(item, quiet)\n"
        "        log(item, quiet)\n\n\n"
        "def parse(text, charset=None, cls=None):\n    return _inner.parse(text=text, charset=charset, cls=cls)\n"
    )
    user = TypingUser({"a.py": text})
    user.replace("item, quiet=False", "item")
    user.replace("text, charset=None, cls", "text, cls")
    assert user.accept_all() == 2
    assert "super().add(item)\n        log(item, quiet)" in user.text
    assert "_inner.parse(text=text, cls=cls)" in user.text


def test_a_lost_parameter_goes_from_a_call_with_any_other_arguments_too() -> None:
    text = "def send(path, etags=None, **rest):\n    return inner.send(path, etags=etags, **rest)\n"
    user = TypingUser({"a.py": text})
    user.replace("etags=None, ", "")
    assert user.accept_all() == 1
    assert user.text == "def send(path, **rest):\n    return inner.send(path, **rest)\n"


@pytest.mark.parametrize("other", ["quiet=False", "loud=False"])
def test_a_gained_parameter_is_handed_on_to_a_function_of_the_same_name_that_takes_it(other: str) -> None:
    inner = f"class A:\n    def add(self, {other}): ...\n"
    text = f"{inner}\n\nclass B(A):\n    def add(self, item):\n        super().add(item)\n"
    user = TypingUser({"a.py": text})
    user.replace("self, item", "self, item, quiet=False")
    user.accept_all()
    assert ("super().add(item, quiet=quiet)" in user.text) is (other == "quiet=False")


def test_a_header_that_another_class_has_too_has_changed() -> None:
    text = (
        "class A:\n    def add(self, item):\n        pass\n\n\n"
        "class B(A):\n    def add(self, item, quiet):\n        super().add(item, quiet)\n"
    )
    user = TypingUser({"a.py": text})
    user.replace("item, quiet):", "item):")
    assert user.accept_all() == 1
    assert user.text.endswith("super().add(item)\n")


def test_an_optional_parameter_takes_the_member_of_its_name_less_surely() -> None:
    text = (
        "def load(path):\n    pass\n\n\nclass A:\n    def __init__(self):\n        self.env = 1\n\n"
        "    def f(self):\n        load(1)\n\n    def g(self, env):\n        load(2)\n"
    )
    user = TypingUser({"a.py": text})
    user.replace("load(path):", "load(path, env=None):")
    member, variable = user.propose()
    assert (member.text, variable.text) == (", self.env", ", env")
    assert member.confidence < variable.confidence


def test_what_looks_like_a_function_in_a_string_does_not_hide_the_old_parameters() -> None:
    before = 'class A:\n    """\ndef example(): ...\n    """\n\n    def f(self, x): ...\n\n\nA().f(1)\n'
    user = TypingUser({"a.py": before})
    user.replace("f(self, x)", "f(self)")
    user.accept_all()
    assert user.text == before.replace("f(self, x)", "f(self)").replace("f(1)", "f()")


def test_the_calls_of_several_functions_of_one_name_are_left_alone() -> None:
    """In Java, one name has several functions that take different types."""
    functions = "void put(byte[] a, int b) { }\n    void put(String a, int b) { }\n"
    user = TypingUser({"A.java": f"class A {{\n    {functions}    void f() {{ put(text, 1); }}\n}}\n"})
    user.replace("byte[] a, int b", "byte[] a")
    assert all(proposal.rule != Rule.SIGNATURE for proposal in user.propose())
