"""A change that tells too little by itself is made anew beside the words that stood beside it."""

import pytest

from tests.context.next_edit.typing_user import TypingUser

CHANGES = {
    "a common word in a call": (
        'from m import Point\nx = need(float, help="x")\nz = give(float)\ny = need(float, help="y")\n',
        ("x = need(float", "x = need(Point"),
        ["y = need(Point"],
    ),
    "a word that became several": (
        "def f(size: int = 1):\n    pass\n\n\ndef g(size: int = 1):\n    pass\n",
        ("def f(size: int", "def f(size: Maybe[int]"),
        [],
    ),
    "a module that goes": (
        "with io.open(one, 'rb') as f:\n    pass\nwith io.open(two, 'rb') as g:\n    pass\nx = io.StringIO()\n",
        ("with io.open(one", "with open(one"),
        ["with open(two"],
    ),
    "a call that lost an argument too": (
        "def f(put, get):\n    put(ctx, s.Info, abbrev, 1)\n    put(ctx, s.Info, code, 2)\n",
        ("put(ctx, s.Info, abbrev, 1)", "get(ctx, abbrev, 1)"),
        [],
    ),
    "a name of another function": (
        "def f(one, two):\n    use(one, b=1)\n\n\ndef g(one, two):\n    use(one, b=1)\n",
        ("use(one, b=1)", "use(two, b=1)"),
        [],
    ),
    "much new code": (
        "value = self.read()\nx()\nvalue = self.read()\n",
        ("value = self.read()\nx", "".join(f"value_{n} = read({n})\n" for n in range(9)) + "x"),
        [],
    ),
    "a line between two others": (
        "def f(\n    one: int = 0,\n    two: int = 0,\n) -> A: ...\n\n\nclass C:\n    def g(\n        one: int = 0,\n"
        "        two: int = 0,\n    ) -> A: ...\n\n    def h(\n        two: int = 0,\n    ) -> B: ...\n",
        ("    two: int = 0,\n) -> A", "    two: int = 0,\n    silent: bool = False,\n) -> A"),
        ["        two: int = 0,\n        silent: bool = False,\n    ) -> A"],
    ),
    "a name of an import in another form": (
        "from m import (\n    first,\n    get_loop,\n    last,\n)\n\n\n"
        "def f():\n    from m import first, get_loop, last\n",
        ("    get_loop,\n", ""),
        ["    from m import first, last\n"],
    ),
    "an argument on a line of its own": (
        "plot(one, legend, two)\nplot(\n    one,\n    legend,\n    three,\n)\nshow(\n    legend,\n    three,\n)\n",
        ("plot(one, legend, two)", "plot(one, two)"),
        ["plot(\n    one,\n    three,\n)"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_made_anew_beside_the_same_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    before, change, expected = CHANGES[name]
    user = TypingUser({"a.py": before})
    start = before.index(change[0])
    user.become("a.py", start, start + len(change[0]), change[1])
    wanted = user.text
    found = user.propose()
    made = [user.text[: one.start] + one.text + user.text[one.end :] for one in found]
    assert len(made) == len(expected), [(one.text, user.text[one.start : one.end]) for one in found]
    for text, place in zip(made, expected, strict=True):
        assert place in text
        assert place not in wanted


def test_a_member_of_a_class_in_typescript_is_no_local_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    line = "  private {0} = this.on(new {0}());\n"
    text = f"export class View extends Base {{\n{''.join(map(line.format, ('one', 'two')))}}}\n"
    user = TypingUser({"src/view.ts": text})
    user.replace("one = this.on", "one = this._on")
    user.cursor = 0  # else it may not be typed to its end
    user.accept_all()
    assert user.text == text.replace("this.on", "this._on")
