"""A renamed name is followed into the files that import it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from context.next_edit.proposal import Rule
from tests.context.next_edit.marked_names import check_files
from tests.context.next_edit.typing_user import TypingUser
from tests.context.tree import KEY, indexed, write_tree

PYTHON = {
    "shop/__init__.py": "from .price import price as price\n",
    "shop/price.py": "def price(items):\n    return sum(items)\n\n\nprint(price([]))\n",
    "shop/basket.py": (
        "from shop import tax\nfrom .price import price, other\n\n\ndef total(items, price=price):\n"
        '    """Return the price."""\n    return price(items)\n\n\nprint(price([]), tax.price)\n'
    ),
    "shop/page.py": "import shop\nimport shop.price as module\n\nprint(shop.price([]), module.price, other.price)\n",
    "shop/alias.py": "from shop.price import price as cost\n\nprice = cost\n",
    "shop/all.py": "from .price import *\n",
    "shop/by_all.py": "from shop.all import price\n\nprice([])\n",
    "shop/other.py": "from elsewhere import price\n\nprice()\n",
    "shop/own.py": "def price():\n    pass\n",
}
CASES: dict[str, dict[str, str]] = {
    "typescript": {
        "src/price.ts": "export function «price»(a: number) { return a; }\n",
        "src/basket.ts": "import { ‹price›, other } from './price';\n\nother(‹price›(1), x.price);\n",
        "src/alias.tsx": "import { ‹price› as cost } from './price';\n\nconst price = cost(1);\n",
        "src/index.ts": "export { ‹price› } from './price';\n",
        "src/far.ts": "import { ‹price› } from '.';\n\n‹price›(2);\n",
        "src/all.ts": "export * from './price';\n",
        "src/parts/index.ts": "export type * from '../other_price';\nexport * from '../all';\n",
        "src/by_all.ts": "import { ‹price› } from './parts';\n\n‹price›(3);\n",
        "src/own.ts": "export * from './price';\nexport function price() {}\n",
        "src/by_own.ts": "import { price } from './own';\n\nprice();\n",
        "src/default.ts": "import price from './price';\n\nprice(2);\n",
        "src/other.ts": "import { price } from './other_price';\n\nprice(2);\n",
    },
    "go": {
        "go.mod": "module example.com/shop\n",
        "price/price.go": "package price\n\nfunc «Price»(a int) int { return a }\n",
        "price/near.go": "package price\n\nvar x = ‹Price›(1)\n\nfunc f(Price int) { g(Price, y.Price) }\n",
        "price/near_test.go": "package price\n\nvar z = ‹Price›(1)\n",
        "main.go": 'package main\n\nimport "example.com/shop/price"\n\nvar x = price.‹Price›(1) + other.Price(1)\n',
        "other.go": "package main\n\nvar Price = 1\n",
    },
    "a short name of go": {
        "go.mod": "module example.com/shop\n",
        "main.go": "package main\n\nvar «db» = open()\n",
        "serve.go": "package main\n\nfunc serve() { ‹db›.run(x.db) }\n",
        "other/other.go": "package other\n\nvar x = db.run()\n",
    },
    "rust": {
        "src/lib.rs": "mod price;\nmod basket;\n",
        "src/price.rs": "pub fn «price»(a: u8) -> u8 { a }\n",
        "src/basket.rs": "use crate::price::{‹price›, other};\n\nfn f() -> u8 { ‹price›(1) + x.price }\n",
        "src/far.rs": "use elsewhere::price;\n\nfn f() -> u8 { price(1) }\n",
    },
}


def open_first(root: Path, cache: Path, files: Mapping[str, str], first: str) -> TypingUser:
    index, _ = indexed(write_tree(root, files), cache)
    return TypingUser({first: files[first]}, index)


def test_a_name_of_python_is_renamed_in_all_files_that_import_it(tmp_path: Path) -> None:
    user = open_first(tmp_path / "root", tmp_path / "cache", PYTHON, "shop/price.py")
    user.replace("def price", "def cost")
    user.accept_all()
    texts = {path: document.text for path, document in user.buffers.items()}
    assert texts == {
        "shop/price.py": PYTHON["shop/price.py"].replace("price(", "cost("),
        "shop/__init__.py": "from .price import cost as cost\n",
        "shop/basket.py": PYTHON["shop/basket.py"]
        .replace("import price,", "import cost,")
        .replace("price=price", "price=cost")
        .replace("print(price", "print(cost"),
        "shop/page.py": PYTHON["shop/page.py"]
        .replace("module.price", "module.cost")
        .replace("shop.price(", "shop.cost("),
        "shop/alias.py": PYTHON["shop/alias.py"].replace("import price", "import cost"),
        "shop/by_all.py": "from shop.all import cost\n\ncost([])\n",
    }


@pytest.mark.parametrize("language", CASES)
def test_a_name_is_renamed_in_all_files_that_import_it(language: str, tmp_path: Path) -> None:
    check_files(tmp_path, CASES[language], "Cost")


def test_the_places_in_a_file_with_a_masked_secret_are_those_of_the_file(tmp_path: Path) -> None:
    files = {"a.py": "def price(): pass\n", "b.py": f'from a import price\nKEY = "{KEY}"\nprice()\n'}
    user = open_first(tmp_path / "root", tmp_path / "cache", files, "a.py")
    user.replace("def price", "def cost")
    assert user.accept_all() == 2
    assert user.buffers["b.py"].text == files["b.py"].replace("price", "cost")


@pytest.mark.parametrize(
    ("line", "new", "follows"),
    [
        ("from cachecontrol import Cache\n", "from cachecontrol import BodyCache\n", True),
        ("from cachecontrol import Cache\n", "from cachecontrol import Session\n", False),
        ("from typing import Dict\n", "from typing import DefaultDict\n", False),
    ],
)
def test_a_like_name_of_a_library_is_the_imported_one(line: str, new: str, follows: bool, tmp_path: Path) -> None:
    old, name = line.split()[-1], new.split()[-1]
    files = {"a.py": f"import os\n{line}\n\nclass A({old}):\n    x = os\n"}
    user = open_first(tmp_path / "root", tmp_path / "cache", files, "a.py")
    user.replace(f"import os\n{line}", f"import os\nimport sys\n{new}")
    assert ([one.text for one in user.propose() if one.rule == Rule.RENAME] == [name]) is follows


@pytest.mark.parametrize(
    ("first", "old", "new", "other"),
    [
        ("src/lib.rs", "pub struct Error", "pub struct ShopError", "src/main.rs"),
        ("app/logging.py", "def getLogger", "def our_logger", "app/server.py"),
    ],
)
def test_a_name_from_outside_is_not_the_renamed_one(first: str, old: str, new: str, other: str, tmp_path: Path) -> None:
    files = {
        "src/lib.rs": "pub struct Error {}\n\nfn f(a: Error) {}\n",
        "src/main.rs": "use std::fmt::Error;\n\nfn f(a: Error) {}\n",
        "app/__init__.py": "",
        "app/logging.py": "def getLogger(name): ...\n\n\ngetLogger(1)\n",
        "app/server.py": "import logging\n\nlog = logging.getLogger(1)\n",
    }
    index, _ = indexed(write_tree(tmp_path / "root", files), tmp_path / "cache")
    user = TypingUser({first: files[first]}, index)
    user.replace(old, new)
    user.accept_all()
    assert new.split()[-1] in user.buffers[first].text
    assert other not in user.buffers
    index.close()
