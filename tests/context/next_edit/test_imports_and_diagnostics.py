from dataclasses import replace
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
        ("a.ts", 'import all, { old } from "m";\nall();\n', 'import all, { old } from "m";\nall();\n'),
        ("a.py", "import old; import sys\n", "import old; import sys\n"),
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


def test_a_package_is_known_from_the_import_of_one_of_its_modules(user: TypingUser) -> None:
    user.replace("from shop.price import price\n", "import email.utils\nfrom shop.price import price\n")
    user.replace("return price()", "return price() or email.name or string.digits")
    assert [one.text.strip() for one in user.propose()] == ["import string"]
    user.replace("import email.utils\n", "import email.utils as path\n")
    user.replace("or string.digits", "")
    assert [one.text.strip() for one in user.propose()] == ["import email"]


def test_a_name_in_an_import_that_was_typed_asks_for_no_import(user: TypingUser) -> None:
    user.buffers["shop/main.py"] = replace(user.buffers["shop/main.py"], text=MAIN + "\n\nprint(string.digits)\n")
    user.replace("import price\n", "import price\nfrom string import digits\n")
    assert user.propose() == ()
    user.replace("return price()", "return price() + string.digits")
    assert [one.text.strip() for one in user.propose()] == ["import string"]


def test_no_import_is_made_of_a_module_that_imports_the_file(tmp_path: Path) -> None:
    files = FILES | {"shop/tax.py": "from shop.main import total\n\n\ndef tax_of(item):\n    return total(item)\n"}
    index, _ = indexed(write_tree(tmp_path / "root", files), tmp_path / "cache")
    user = TypingUser({"shop/main.py": MAIN}, index)
    user.replace("price()", "price() + tax_of(item)")
    assert user.propose() == ()


@pytest.mark.parametrize(
    ("typed", "imports"),
    [
        ("taxOf(1)", 'import { taxOf } from "./tax.js"'),
        ("new Error(1)", ""),  # not the workspace's own
        ("atHome(1)", ""),  # the file has it from elsewhere
        ("tax.taxOf(1)", ""),
    ],
)
def test_an_import_of_a_script_names_the_file_as_the_others_do(tmp_path: Path, typed: str, imports: str) -> None:
    main = 'import * as tax from "./other.js"\n\nexport const a = tax.b(0)\nexport const c = atHome(2)\n'
    files = {
        "src/main.ts": main,
        "src/other.ts": "export const b = (x: number) => x\n",
        "src/tax.ts": "export function taxOf(x: number) {}\nexport class Error {}\nexport function atHome(x: any) {}\n",
    }
    index, _ = indexed(write_tree(tmp_path / "root", files), tmp_path / "cache")
    user = TypingUser({"src/main.ts": main}, index)
    user.replace("tax.b(0)", f"tax.b(0) + {typed}")
    assert "".join(one.text.strip() for one in user.propose()) == imports


def test_an_unused_import_is_surer_to_go_if_it_gives_types_alone() -> None:
    user = TypingUser({"a.py": "import old\nfrom typing import Any\n\nf(Any)\nold.g()\nh()\n"})
    user.replace("old.g()\n", "")
    (module,) = user.propose()
    user.replace("f(Any)\n", "")
    (types,) = user.propose()
    assert types.confidence > 0.5 > module.confidence  # from 0.5 on it is shown without a key
