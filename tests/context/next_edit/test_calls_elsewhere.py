"""The calls of a changed function follow in other files and classes, and where all names are imported."""

from pathlib import Path

import pytest

from tests.context.next_edit.typing_user import TypingUser
from tests.context.tree import indexed, write_tree

# The files, what is changed in the first one, and what another one becomes.
CASES: dict[str, tuple[dict[str, str], tuple[str, str], tuple[str, str, str]]] = {
    "all names are imported": (
        {
            "shop/price.py": "def price(item):\n    pass\n",
            "shop/use.py": "from .price import *\n\n\ndef f(item, tax):\n    price(item)\n",
            "shop/own.py": "from .other import *\n\n\ndef f(item, tax):\n    price(item)\n",
        },
        ("price(item)", "price(item, tax)"),
        ("shop/use.py", "price(item)", "price(item, tax)"),
    ),
    "another class has such a method, which an object of a known type is asked for": (
        {
            "shop/registry.py": "class Registry:\n    def make(self, name):\n        pass\n",
            "shop/app.py": (
                "from .registry import Registry\n\n\nclass App:\n    def __init__(self, tax):\n"
                "        self.registry = Registry()\n\n    def make(self, name, tax):\n"
                "        self.other.make(name)\n        return self.registry.make(name)\n"
            ),
        },
        ("make(self, name)", "make(self, name, tax)"),
        ("shop/app.py", "self.registry.make(name)", "self.registry.make(name, tax)"),
    ),
    "a method whose name begins with a low line": (
        {
            "shop/item.py": "class Item:\n    def _refresh(self, data):\n        pass\n",
            "shop/view.py": "from .item import Item\n\n\ndef f(item: Item, at):\n    item._refresh(1)\n",
        },
        ("self, data", "self, at, data"),
        ("shop/view.py", "_refresh(1)", "_refresh(at, 1)"),
    ),
    "a package of Go without a module": (
        {
            "go/src/cmd/search/search.go": "package search\n\nfunc Paths(names, roots []string) {}\n",
            "go/src/cmd/load/load.go": (
                'package load\n\nimport "cmd/search"\n\nfunc f(names, none []string) { search.Paths(names, none) }\n'
            ),
        },
        ("names, roots", "names"),
        ("go/src/cmd/load/load.go", "Paths(names, none)", "Paths(names)"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_calls_in_other_files_follow(name: str, tmp_path: Path) -> None:
    files, change, (path, call, expected) = CASES[name]
    index, _ = indexed(write_tree(tmp_path / "root", files), tmp_path / "cache")
    first = next(iter(files))
    user = TypingUser({first: files[first]}, index)
    user.replace(*change)
    user.accept_all()
    changed = {other: document.text for other, document in user.buffers.items() if other != first}
    assert changed == {path: files[path].replace(call, expected)}


BASE = (
    "class A:\n    def run(self, a, mode):\n        self.save(a)\n\n    def save(self, a):\n        pass\n\n\n"
    "class B(A):\n    def save(self, a):\n        super().save(a)\n"
)


def test_a_class_gives_what_it_calls_on_itself_the_new_parameter_of_a_class_below() -> None:
    user = TypingUser({"a.py": BASE})
    user.replace("save(self, a):\n        super()", "save(self, a, mode=None):\n        super()")
    user.accept_all()
    assert "        self.save(a, mode)\n" in user.text
    assert "super().save(a)" in user.text


def test_a_class_still_gives_what_it_calls_on_itself_a_parameter_that_a_class_below_lost() -> None:
    user = TypingUser({"a.py": BASE})
    user.replace("save(self, a):\n        super().save(a)", "save(self):\n        super().save(1)")
    user.accept_all()
    assert "        self.save(a)\n" in user.text


def test_forms_of_one_function_with_the_same_parameters_are_one() -> None:
    before = (
        "@overload\ndef save(a: int) -> int: ...\n@overload\ndef save(a: str) -> str: ...\ndef save(a):\n    return a\n"
        "\n\ndef f(mode):\n    save(1)\n"
    )
    user = TypingUser({"a.py": before})
    forms = before[: before.index("\n\n\ndef f")]
    user.replace(forms, "def save(a, mode):\n    return a")
    user.accept_all()
    assert "save(1, mode)" in user.text


def test_a_type_with_dots_takes_one_argument() -> None:
    user = TypingUser({"a.py": "def save(a: tuple[str, ...]):\n    pass\n\n\ndef f(mode):\n    save(1)\n"})
    user.replace("...]):", "...], mode: str):")
    user.accept_all()
    assert "save(1, mode)" in user.text
