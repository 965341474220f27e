from pathlib import Path

import pytest

from context.next_edit.proposal import Diagnostic, Rule
from tests.context.next_edit.typing_user import TypingUser
from tests.context.tree import indexed, write_tree

FILES = {
    "shop/__init__.py": "",
    "shop/price.py": "def price():\n    pass\n\n\ndef cost():\n    pass\n",
    "shop/tax.py": "def tax_of(item):\n    pass\n",
    "shop/one.py": "def twice():\n    pass\n",
    "shop/two.py": "def twice():\n    pass\n",
    "shop/main.py": "from shop.price import price\n\n\ndef total(item):\n    item.count = 1\n    return price()\n",
}
MAIN = FILES["shop/main.py"]


@pytest.fixture
def user(tmp_path: Path) -> TypingUser:
    index, _ = indexed(write_tree(tmp_path / "root", FILES), tmp_path / "cache")
    return TypingUser({"shop/main.py": MAIN}, index)


def test_a_changed_call_changes_the_import(user: TypingUser) -> None:
    user.replace("price()", "cost()")
    user.cursor = 0
    (proposal,) = user.propose()
    assert proposal.rule == Rule.IMPORT
    user.accept(proposal)
    assert user.text == MAIN.replace("price()", "cost()").replace("import price", "import cost")
    assert user.propose() == ()


def test_a_changed_call_adds_to_the_import_of_a_name_that_is_still_used(user: TypingUser) -> None:
    user.replace("return price()", "return price() + price()")
    user.replace("price() + price()", "cost() + price()")
    user.cursor = 0
    assert user.accept_all() == 1
    assert user.text.startswith("from shop.price import price, cost\n")


def test_a_name_that_an_accepted_completion_uses_is_imported(user: TypingUser) -> None:
    user.replace("price()", "price() + tax_of(item)")
    assert user.accept_all() == 1
    assert "from shop.tax import tax_of\n" in user.text


@pytest.mark.parametrize(
    "typed", ["twice()", "len(item)", "total(item)", "item.tax_of", "unheard_of()", "[tax_of for tax_of in item]"]
)
def test_a_name_that_is_known_or_not_to_be_found_or_in_two_places_gives_nothing(user: TypingUser, typed: str) -> None:
    user.replace("price()", f"price() + {typed}")
    assert user.propose() == ()


def test_an_undefined_name_with_one_candidate_is_corrected(user: TypingUser) -> None:
    user.replace("    return", "    return itme or")
    start = user.text.index("itme")
    about = Diagnostic(start, start + 4, '"itme" is not defined', "reportUndefinedVariable", "Pyright")
    assert user.propose() == ()
    (proposal,) = user.propose([about])
    assert (proposal.rule, proposal.text, proposal.start) == (Rule.DIAGNOSTIC, "item", start)
    user.cursor = start + 4
    assert user.propose([about]) == ()  # the name is still typed
    user.cursor = 0
    other = Diagnostic(start, start + 4, '"itme" is deprecated', "", "")
    assert user.propose([other]) == ()


@pytest.mark.parametrize(
    ("path", "imports", "after"),
    [
        ("a.py", "import os\nimport old\nimport sys\n", "import os\nimport sys\n"),
        ("a.py", "from m import (\n    a,\n    old,\n)\n", "from m import (\n    a,\n)\n"),
        ("a.py", "from m import old, b\n", "from m import b\n"),
        ("a.ts", 'import { a, old } from "m";\n', 'import { a } from "m";\n'),
        ("a.ts", 'import { old } from "m";\n', ""),
        ("__init__.py", "from m import old\n", "from m import old\n"),  # for others to import
        ("a.py", "from m import old  # noqa\n", "from m import old  # noqa\n"),
        ("a.py", "from m import old as old\n", "from m import old as old\n"),
        ("a.py", "try:\n    import old\nexcept ImportError:\n    pass\n", None),
        ("a.py", "import old\nold()\n", "import old\nold()\n"),  # in use
    ],
)
def test_an_import_goes_with_the_last_use_of_its_name(path: str, imports: str, after: str | None) -> None:
    user = TypingUser({path: f"{imports}first(1)\nold(2)\nlast(3)\n"})
    user.replace("old(2)\n", "")
    user.accept_all()
    assert user.text == f"{imports if after is None else after}first(1)\nlast(3)\n"


def test_an_import_stays_while_the_line_of_its_last_use_is_typed() -> None:
    user = TypingUser({"a.py": "import old\n\nvalue = old.value\n"})
    user.replace("old.value", "ol")
    assert user.propose() == ()


def test_an_import_that_only_lost_another_name_stays() -> None:
    user = TypingUser({"a.py": "from m import kept, old\n\nf(1)\ng()\n"})
    user.replace("kept, old", "kept")
    user.replace("g()", "h()")
    assert user.propose() == ()


def test_a_module_is_imported_for_a_name_before_a_dot_alone(user: TypingUser) -> None:
    user.replace("return price()", "return string + 1")
    assert user.propose() == ()
    user.replace("string + 1", "string.digits")
    assert any(one.text.strip() == "import string" for one in user.propose())


def test_an_import_comes_beside_a_rename_and_behind_it(user: TypingUser) -> None:
    user.replace("total(item)", "total(thing)")
    user.replace("return price()", "return price() + tax_of(1)")
    assert [one.rule for one in sorted(user.propose(), key=lambda one: -one.confidence)] == [Rule.RENAME, Rule.IMPORT]


def test_a_name_joins_an_import_that_was_just_typed(user: TypingUser) -> None:
    user.replace("import price", "import price, other")
    user.replace("return price()", "return price() + cost()")
    (proposal,) = (one for one in user.propose() if one.rule == Rule.IMPORT)
    assert (proposal.text, proposal.start) == (", cost", user.text.index("\n"))
