"""A name that the user changed in one file follows in the file that they go on to, where it means the same there."""

import pytest

from tests.context.next_edit.typing_user import TypingUser

ONE, TWO = "package/one.py", "package/two.py"
USE = "\n\ndef f(options):\n    kind = _api.check_item(options, kind=options)\n    return kind\n"


def proposed(files: dict[str, str], old: str, new: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Change the first file, go on to the second one, and return the texts that are proposed for this."""
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    user = TypingUser(files)
    first, second = files
    user.replace(old, new, first)
    user.become(second, 0, 0, typed)
    return [one.text for one in user.propose() if one.document.path == second]


@pytest.mark.parametrize(
    ("imports", "other", "count"),
    [
        ("from . import _api", "from . import _api", 1),
        ("from . import _api", "from package import _api", 1),
        ("from . import _api", "from other import _api", 0),
        ("from . import _api", "_api = object()", 0),
        ("import logging as _api", "import logging as _api", 0),  # it has both names
    ],
)
def test_a_member_of_a_module_follows_where_the_next_file_imports_it_too(
    imports: str, other: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {ONE: f"{imports}{USE}", TWO: f"{other}{USE}"}
    texts = proposed(files, "_api.check_item", "_api.item_checked", "# of two\n", monkeypatch)
    assert texts == ["item_checked"] * count


def test_a_member_that_is_left_in_the_file_before_does_not_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    other = USE.replace("def f", "def g").replace("kind = ", "sort = ").replace("return kind", "return sort")
    files = {ONE: f"from . import _api{USE}{other}", TWO: f"from . import _api{USE}"}
    texts = proposed(files, "kind = _api.check_item", "kind = _api.item_checked", "# of two\n", monkeypatch)
    assert texts == []


@pytest.mark.parametrize(("member", "count"), [("", 1), ("  attach(one: Part) {}\n", 0)])
def test_a_member_that_both_files_inherit_follows(member: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    view = "export class {} extends Base {{\n{}  open() {{\n    this.attach(new Part());\n  }}\n}}\n"
    files = {"src/one.ts": view.format("One", ""), "src/two.ts": view.format("Two", member)}
    texts = proposed(files, "this.attach", "this._attach", "// of two\n", monkeypatch)
    assert texts == ["_attach"] * count
