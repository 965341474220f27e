import pytest

from context.next_edit.proposal import Rule
from tests.context.next_edit.typing_user import TypingUser

# The text with the changes of the user, and the text after all proposals: "old => new" in both.
CASES = {
    "call to index": (
        "a = params.get('one')\nb = other.get(name)\nc = params.get(f(1, 2))\nd = params.get(x, 1)\ne = get(1)\n",
        [("params.get('one')", "params['one']"), ("other.get(name)", "other[name]")],
        "a = params['one']\nb = other[name]\nc = params[f(1, 2)]\nd = params.get(x, 1)\ne = get(1)\n",
    ),
    "method name": (
        "self.assertEquals(a, 1)\nx()\nx()\nx()\nx()\nself.assertEquals(b, 2)\nself.assertEquals(c)  # assertEquals\n"
        "assertEquals(1)\n",
        [("assertEquals(a", "assertEqual(a"), ("assertEquals(b", "assertEqual(b")],
        "self.assertEqual(a, 1)\nx()\nx()\nx()\nx()\nself.assertEqual(b, 2)\nself.assertEqual(c)  # assertEquals\n"
        "assertEquals(1)\n",
    ),
    "lazy logging": (
        'log.info("one %s" % a)\nlog.info("two %d" % f(b))\nlog.info("three %s" % c.d)\nx = 1 % 2\ny = "%s" % a\n',
        [('one %s" % a', 'one %s", a'), ('two %d" % f', 'two %d", f')],
        'log.info("one %s", a)\nlog.info("two %d", f(b))\nlog.info("three %s", c.d)\nx = 1 % 2\ny = "%s" % a\n',
    ),
    "an argument more": (
        "load(one)\nload(two)\nload(three)\nx = load(four)\nstore(five)\n",
        [("load(one)", "load(one, strict=True)"), ("load(two)", "load(two, strict=True)")],
        "load(one, strict=True)\nload(two, strict=True)\nload(three, strict=True)\nx = load(four)\nstore(five)\n",
    ),
    "several tokens": (
        "import os, posixpath\na = os.path.join(x, y)\nb = os.path.join(z)\nc = os.path.join(w)\n",
        [("os.path.join(x", "posixpath.join(x"), ("os.path.join(z", "posixpath.join(z")],
        "import os, posixpath\na = posixpath.join(x, y)\nb = posixpath.join(z)\nc = posixpath.join(w)\n",
    ),
    "keys in strings": (
        "a['size'] = 1\nb['size'] = 2\nc['size'] = size\n# size\n",
        [("a['size']", "a['width']"), ("b['size']", "b['width']")],
        "a['width'] = 1\nb['width'] = 2\nc['width'] = size\n# size\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_made_twice_is_proposed_where_it_fits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.0)
    before, changes, after = CASES[name]
    user = TypingUser({"a.py": before})
    user.replace(*changes[0])
    assert user.propose() == ()
    user.replace(*changes[1])
    assert {proposal.rule for proposal in user.propose()} == {Rule.REPEATED}
    user.accept_all()
    assert user.text == after


@pytest.mark.parametrize(
    ("before", "changes"),
    [
        ("a = 1\nb = 1\nc = 1\n", [("a = 1", "a = 2"), ("b = 1", "b = 2")]),
        ("x: str\ny: str\nz: str\n", [("x: str", "x: str | None"), ("y: str", "y: str | None")]),
        ("def f(x, y):\n  a(x)\n  b(x)\n  c(x)\n", [("a(x)", "a(y)"), ("b(x)", "b(y)")]),
        ("f(load)\ng(load)\nh(load)\n", [("f(load)", "f(one)"), ("g(load)", "g(two)")]),
        (
            "apps.get_model(one)\napps.get_model(two)\nself.apps.get_model(three)\napps.get_model(four)(five)\n",
            [("apps.get_model(one)", "state[one]"), ("apps.get_model(two)", "state[two]")],
        ),
        (
            "def f():\n    load(one, retry=3)\n    load(two, retry=3)\n\n\ndef g():\n    load(three, retry=3)\n",
            [("load(one, retry=3)", "read(one)"), ("load(two, retry=3)", "read(two)")],
        ),
        (
            "import abc, t\na: t.Call\nb: t.Call\nc: t.Call\nd: t.Call\ne: t.List\n",
            [(f"{name}: t.Call", f"{name}: abc.Call") for name in "abcd"],
        ),
        (  # a parameter more and another type are no one change
            "from typing import Optional, Tuple\n\n"
            "def f(one: Build) -> Tuple[str, int]: ...\n\ndef g(two: Build) -> Tuple[str, int]: ...\n\n"
            "def h(three: Build) -> Tuple[str, int]: ...\n",
            [
                ("one: Build) -> Tuple[str, int]", "one: Build, out: str) -> Optional[int]"),
                ("two: Build) -> Tuple[str, int]", "two: Build, out: str) -> Optional[int]"),
            ],
        ),
        (  # two names that changed their places
            "a = f(Left)\nb = f(Right)\nc = g(Left)\nd = h(Left)\ne = k(Left)\nz = m(Left)\n",
            [
                ("f(Right)", "f(Left)"),
                ("a = f(Left)", "a = f(Right)"),
                ("g(Left)", "g(Right)"),
                ("h(Left)", "h(Right)"),
                ("k(Left)", "k(Right)"),
            ],
        ),
        ("f(a, b)\nf(c, d)\nf(e, g)\n", [("f(a, b)", "f(b, a)"), ("f(c, d)", "f(c, d, 1)")]),
    ],
)
def test_changes_that_are_not_one_telling_change_give_nothing(
    before: str, changes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.0)
    user = TypingUser({"a.py": before})
    for change in changes:
        user.replace(*change)
    assert user.propose() == ()


def test_a_place_above_the_last_change_is_less_sure_than_one_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user has mostly seen it, and gone on."""
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.0)
    user = TypingUser({"a.py": "".join(f"client.fetch({name}, retry=3)\n" for name in ("one", "two", "six", "ten"))})
    user.replace("fetch(two, retry=3)", "get(two)")
    user.replace("fetch(six, retry=3)", "get(six)")
    above, below = sorted(user.propose(), key=lambda one: one.start)
    assert above.confidence < 0.5 < below.confidence


def test_a_repeated_change_is_found_in_other_open_files() -> None:
    user = TypingUser(
        {"a.py": "client.fetch(one, retry=3)\nclient.fetch(two, retry=3)\n", "b.py": "x.fetch(y, retry=3)\n"}
    )
    user.replace("fetch(one, retry=3)", "get(one)")
    user.replace("fetch(two, retry=3)", "get(two)")
    user.accept_all()
    assert user.buffers["b.py"].text == "x.get(y)\n"


def test_a_repeated_change_leaves_a_file_alone_that_the_user_edited_and_left() -> None:
    """The place in the file at hand is proposed, and the third line of the file that has both examples is not."""
    before = "client.fetch(one, retry=3)\nclient.fetch(two, retry=3)\nclient.fetch(three, retry=3)\n"
    user = TypingUser({"a.py": before, "b.py": "x.fetch(y, retry=3)\nz = 1\n"})
    user.replace("fetch(one, retry=3)", "get(one)")
    user.replace("fetch(two, retry=3)", "get(two)")
    assert {one.document.path for one in user.propose()} == {"a.py", "b.py"}
    user.replace("z = 1", "z = 2", "b.py")
    assert {one.document.path for one in user.propose()} == {"b.py"}


def test_a_repeated_change_is_found_in_a_file_that_the_user_edited_otherwise_before() -> None:
    before = "client.fetch(one, retry=3)\nclient.fetch(two, retry=3)\n"
    user = TypingUser({"a.py": before, "b.py": "x.fetch(y, retry=3)\nz = 1\n"})
    user.replace("z = 1", "z = 2", "b.py")
    user.replace("fetch(one, retry=3)", "get(one)", "a.py")
    user.replace("fetch(two, retry=3)", "get(two)", "a.py")
    assert {one.document.path for one in user.propose()} == {"b.py"}


def test_a_word_in_comments_is_proposed_in_comments_alone_and_only_after_changes_of_comments() -> None:
    text = "# the basket\nbasket = 1\n# a basket\n\n\nx = basket  # basket of all\n"
    user = TypingUser({"a.py": text})
    user.replace("the basket", "the trolley")
    user.replace("a basket", "a trolley")
    user.accept_all()
    assert user.text == "# the trolley\nbasket = 1\n# a trolley\n\n\nx = basket  # trolley of all\n"
    user = TypingUser({"a.py": text})
    user.replace("x = basket", "x = one")
    user.replace("the basket", "the trolley")
    user.replace("a basket", "a trolley")
    assert user.propose() == ()


def test_what_was_just_typed_is_left_alone() -> None:
    user = TypingUser({"a.py": "client.fetch(one, retry=3)\nclient.fetch(two, retry=3)\n\n\n\n\n"})
    user.replace("fetch(one, retry=3)", "get(one)")
    user.replace("fetch(two, retry=3)", "get(two)")
    user.become("a.py", len(user.text), len(user.text), "client.fetch(three, retry=3)\n")
    assert user.propose() == ()


def test_a_place_that_would_no_longer_parse_does_not_follow() -> None:
    header = "def {}(\n    **options,\n):\n    pass\n\n\n"
    call = "def f(options):\n    one(\n        **options,\n    )\n\n\n"
    user = TypingUser({"a.py": "".join([header.format("one"), header.format("two"), call, header.format("three")])})
    user.replace("one(\n    **options", "one(\n    **options: object")
    user.replace("two(\n    **options", "two(\n    **options: object")
    assert user.accept_all() == 1
    assert user.text.endswith("def three(\n    **options: object,\n):\n    pass\n\n\n")


def test_a_name_follows_only_where_it_is_known() -> None:
    text = "".join(
        f"def {name}({first}, path):\n    return normalize(path) + {n}\n\n\n"
        for n, (name, first) in enumerate([("one", "self"), ("two", "self"), ("three", "cls"), ("four", "self")])
    )
    user = TypingUser({"a.py": text})
    user.replace("normalize(path) + 0", "self.normalized(path) + 0")
    user.replace("normalize(path) + 1", "self.normalized(path) + 1")
    assert user.accept_all() == 1
    assert user.text.count("self.normalized(path) + 3") == 1


def test_a_change_in_strings_is_made_anew_in_strings_alone() -> None:
    text = "a = F['Item', 1]\nb = F['Item', 2]\n# c = F['Item', 3]\nd = F['Item', 4]\n"
    user = TypingUser({"a.py": text})
    user.replace("'Item', 1", "'Item[int]', 1")
    user.replace("'Item', 2", "'Item[int]', 2")
    user.accept_all()
    assert user.text.endswith("# c = F['Item', 3]\nd = F['Item[int]', 4]\n")


def test_what_comes_is_not_put_where_it_gets_its_meaning() -> None:
    text = (
        "class A:\n    def __init__(self, zip):\n        self.zip = zip\n"
        "        self.filename = self.zip.zipfile.name\n\n"
        "    def one(self):\n        return File(self.zip.zipfile.name).one()\n\n"
        "    def two(self):\n        return File(self.zip.zipfile.name).two()\n\n"
        "    def three(self):\n        return File(self.zip.zipfile.name).three()\n"
    )
    user = TypingUser({"a.py": text})
    user.replace("self.zip.zipfile.name).one", "self.filename).one")
    user.replace("self.zip.zipfile.name).two", "self.filename).two")
    assert user.accept_all() == 1
    assert "        self.filename = self.zip.zipfile.name\n" in user.text


def test_the_line_that_gives_a_name_what_others_took_it_for_stays() -> None:
    box, row, end = (f"    this.{name} = this.service.mainDocument.make('div');\n" for name in ("box", "row", "end"))
    user = TypingUser({"a.ts": f"class A {{\n  constructor() {{\n{box}    a();\n{row}" + "\n" * 6 + f"{end}  }}\n}}\n"})
    new_box, new_row, new_end = (line.replace("this.service.mainDocument", "doc") for line in (box, row, end))
    user.replace(row, new_row)
    user.replace(box, f"    const doc = this.service.mainDocument;\n{new_box}")
    user.replace(end, new_end)
    assert user.propose() == ()
