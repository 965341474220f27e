"""Imports of undefined names: each statement means the file that defines the name."""

from pathlib import Path
from typing import Any

import pytest

from context.documents.document import Document, language_of
from context.imports.import_statements import find_import_statements
from context.index.resolve import resolve as files_of
from context.syntax.imports import find_imports
from lsp_server.actions.imports.undefined_name import find_undefined_at
from tests.context.tree import indexed, write_tree
from tests.fake_engine import FakeEngine, read_prompt
from tests.lsp_server.actions.actions_client import RICH, actions_at, applied, resolve
from tests.lsp_server.client import InProcess, ResponseError, position
from tests.lsp_server.in_process import settled_workspace

IMPORT = "quickfix.midspan.import"
TREE = {
    "src/shop/__init__.py": "from .cart import Cart\n",
    "src/shop/cart.py": "class Cart:\n    def total(self): ...\n",
    "src/shop/tax/rates.py": "def vat_rate(country): ...\n",
    "src/shop/tax/__init__.py": "",
    "src/shop/loose/loose.py": "class Loose: ...\n",
    "src/shop/web.py": "from .cart import Cart\n",
    "depot/shelves/__init__.py": "",
    "depot/shelves/rack.py": "class Rack: ...\n",
    "tests/test_cart.py": "def vat_rate(country): ...\n\nclass FakeCart: ...\n",
    "tools/run.py": "def start(): ...\n",
    "web/format.ts": "export function money(cents: number) {}\nfunction hidden() {}\nexport default class Shelf {}\n",
    "web/view/index.ts": "export const viewPort = 1;\n",
    "web/dist/built.d.ts": "export declare function built(): void;\n",
    "app/src/lib.rs": "pub mod cart;\n",
    "app/src/cart/price.rs": "pub struct Price {}\n",
    "java/src/main/java/org/shop/Basket.java": "package org.shop;\npublic class Basket {}\n",
    "c/include/shop/till.h": "int till_open(int);\n",
}


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = write_tree(tmp_path_factory.mktemp("root"), TREE)
    index, view = indexed(root, tmp_path_factory.mktemp("cache"))
    yield view
    index.close()


@pytest.mark.parametrize(
    ("path", "text", "name", "expected"),
    [
        ("tests/test_new.py", "", "Cart", ["from shop import Cart"]),
        ("tests/test_new.py", "", "FakeCart", ["from tests.test_cart import FakeCart"]),
        ("src/shop/admin.py", "", "Cart", ["from shop.cart import Cart"]),
        ("src/shop/admin.py", "from .web import x\n", "Cart", ["from .cart import Cart"]),
        ("src/shop/tax/new.py", "from .. import x\n", "Cart", ["from ..cart import Cart"]),
        ("src/shop/tax/new.py", "from . import x\n", "vat_rate", ["from .rates import vat_rate"]),
        ("src/shop/loose/new.py", "from . import x\n", "Loose", ["from .loose import Loose"]),
        # A package whose outermost folder lacks an __init__.py, as the imports of the file show.
        ("depot/new.py", "from depot.x import y\n", "Rack", ["from depot.shelves.rack import Rack"]),
        ("depot/new.py", "", "Rack", ["from shelves.rack import Rack"]),
        ("tools/new.py", "", "start", ["from tools.run import start"]),
        ("tools/new.py", "", "total", []),
        ("tools/new.py", "", "deque", ["from collections import deque"]),
        ("tools/new.py", "", "json", ["import json"]),
        ("tools/new.py", "", "antigravity_x", []),
        ("web/new.ts", "", "money", ['import { money } from "./format";']),
        ("web/view/new.ts", "import x from 'y'\n", "money", ["import { money } from '../format'"]),
        ("web/new.ts", "", "Shelf", ['import Shelf from "./format";']),
        ("web/new.ts", "", "viewPort", ['import { viewPort } from "./view";']),
        ("web/new.ts", "", "hidden", []),
        ("web/new.ts", "", "built", []),
        ("app/src/main.rs", "", "Price", ["use crate::cart::price::Price;"]),
        ("java/src/main/java/org/New.java", "", "Basket", ["import org.shop.Basket;"]),
        ("c/main.c", "", "till_open", ['#include "shop/till.h"']),
    ],
)
def test_the_statement_means_the_file_that_defines_the_name(view, path, text, name, expected):
    document = Document(path, text, language_of(path), 1)
    assert find_import_statements(name, document, view)[: len(expected) or 1] == expected


def test_each_statement_of_the_workspace_resolves_to_a_file_of_it(view):
    document = Document("src/shop/tax/new.py", "from . import x\n", "python", 1)
    for statement in find_import_statements("vat_rate", document, view):
        (imported,) = find_imports("python", statement)
        assert files_of(imported, document.path, "python", view)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x = Ca|rt()\n", "Cart"),
        ("def f(a: Cart|) -> int: ...\n", "Cart"),
        ("é = '😀'; x = |Cart()\n", "Cart"),
        ("x = Cart|.total\n", "Cart"),
        ("x = a.Cart|\n", None),
        ("x = f(Cart|=1)\n", None),
        ("import Cart\nx = Cart|\n", None),
        ("from a import Cart as B\nx = Cart|\n", "Cart"),
        ("from a import B as Cart\nx = Cart|\n", None),
        ("from a import *\nx = Cart|\n", None),
        ("from Cart| import b\n", None),
        ("from Cart|.a import b\n", None),
        ("from .Cart| import b\n", None),
        ("import a.Cart|\n", None),
        ("import Cart| as b\n", None),
        ("from a import Cart| as b\n", None),
        ("import Cart as b\nx = Cart|.a\n", "Cart"),
        ("def f(Cart):\n    return Cart|\n", None),
        ("def f(a=Cart|): ...\n", "Cart"),
        ("for Cart in x:\n    Cart|\n", None),
        ("Cart, b = 1, 2\nCart|\n", None),
        ("x.Cart = 1\nCart|\n", "Cart"),
        ("with a as Cart:\n    Cart|\n", None),
        ("[Cart| for Cart in x]\n", None),
        ("class Cart: ...\nCart|\n", None),
        ("x = 'Cart|'\n", None),
        ("x = pri|nt\n", None),
        ("x = Path(__file|__)\n", None),
        ("x = 1 |\n", None),
    ],
)
def test_a_name_is_undefined_when_nothing_in_the_file_binds_it(text, name):
    place = text.index("|")
    assert find_undefined_at(Document("a.py", text.replace("|", ""), "python", 1), place) == name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path, TREE)


async def editor_at(root: Path, uri: str, text: str, answer: str = "") -> tuple[InProcess, FakeEngine]:
    engine = FakeEngine(lambda _before, _after: answer)
    editor = InProcess(engine)
    await editor.initialize(root=root.as_uri(), capabilities=RICH)
    await settled_workspace(editor, uri)
    await editor.open(text, uri)
    return editor, engine


def undefined(line: int, start: int, end: int, message: str) -> dict[str, Any]:
    return {"range": {"start": position(line, start), "end": position(line, end)}, "message": message}


async def test_a_diagnostic_offers_the_import_of_a_name_that_the_workspace_defines(root):
    uri, text = (root / "tests/test_new.py").as_uri(), "import os\n\nx = Cart()\n"
    editor, engine = await editor_at(root, uri, text)
    diagnostic = undefined(2, 4, 8, "Undefined name `Cart`")
    action = (await actions_at(editor, (2, 6), uri=uri, diagnostics=[diagnostic]))[IMPORT]
    assert action["title"] == "Add: from shop import Cart"
    assert action["isPreferred"] is True
    assert action["diagnostics"][0]["message"] == diagnostic["message"]
    edit = (await resolve(editor, action))["edit"]
    assert applied(text, edit, uri) == "import os\n\nfrom shop import Cart\n\nx = Cart()\n"
    assert not engine.requests
    await editor.request("shutdown")


async def test_other_diagnostics_offer_no_import(root):
    uri, text = (root / "tests/test_new.py").as_uri(), "def f(Cart):\n    return Cart\n"
    editor, _ = await editor_at(root, uri, text)
    diagnostic = undefined(1, 11, 15, "Returning Any from function")
    assert IMPORT not in await actions_at(editor, (1, 12), uri=uri, diagnostics=[diagnostic])
    await editor.request("shutdown")


async def test_the_model_suggests_the_module_of_an_unknown_name_and_the_edit_needs_confirmation(root):
    uri, text = (root / "tests/test_new.py").as_uri(), "x = Werkzeug()\n"
    editor, engine = await editor_at(root, uri, text, "werkzeug.core import Werkzeug\nimport rm")
    action = (await actions_at(editor, (0, 6), uri=uri))[IMPORT]
    resolved = (await resolve(editor, action))["edit"]
    assert applied(text, resolved, uri) == "from werkzeug.core import Werkzeug\n\nx = Werkzeug()\n"
    assert [one["needsConfirmation"] for one in resolved["changeAnnotations"].values()] == [True]
    before, after = read_prompt(engine.requests[0])
    assert before.endswith("from ")
    assert after.startswith(" import Werkzeug\n\nx = Werkzeug()")
    await editor.request("shutdown")


@pytest.mark.parametrize("detail", ["Cart import os; os.system('x')", "Cart ?", "Ca rt ?", "", "x' y ?", "a\nb ?"])
async def test_a_statement_that_was_not_offered_is_refused(root, detail):
    uri, text = (root / "tests/test_new.py").as_uri(), "x = Cart()\n"
    editor, engine = await editor_at(root, uri, text)
    action = (await actions_at(editor, (0, 6), uri=uri))[IMPORT]
    action["data"]["detail"] = detail
    with pytest.raises(ResponseError, match="does not fit"):
        await resolve(editor, action)
    assert not engine.requests
    await editor.request("shutdown")
