from pathlib import Path

import pytest

from context.documents.languages import language_of
from context.syntax.imports import find_imports
from tests.context.tree import indexed, write_tree

TSCONFIG = """{
  // a comment, and a trailing comma below
  "extends": "./tsconfig.base.json",
  "compilerOptions": { "paths": { "@lib/*": ["src/lib/*"], "exact": ["src/exact.ts"] }, },
}"""

TREE = {
    "pkg/__init__.py": "",
    "pkg/inner/__init__.py": "",
    "pkg/inner/deep.py": "",
    "pkg/side.py": "",
    "src/app/core.py": "",
    "tsconfig.json": TSCONFIG,
    "tsconfig.base.json": '{"compilerOptions": {"baseUrl": "src"}}',
    "src/lib/list.ts": "",
    "src/exact.ts": "",
    "src/ui/index.tsx": "",
    "src/ui/button.jsx": "",
    "src/based.ts": "",
    "go.mod": "module example.org/shop\n\ngo 1.22\n",
    "cart/cart.go": "package cart\n",
    "cart/cart_test.go": "package cart\n",
    "src/lib.rs": "",
    "src/engine/mod.rs": "",
    "src/engine/pool.rs": "",
    "src/util.rs": "",
    "crate/Cargo.toml": "",
    "crate/tests/common/mod.rs": "",
    "crate/src/bin/flags.rs": "",
    "crate/src/tests/common.rs": "",
    "crate/src/tests/part/common.rs": "",
    "index.js": "",
    "java/src/main/java/org/shop/Cart.java": "",
    "java/src/main/java/org/shop/Price.java": "",
    "c/include/list.h": "",
    "c/src/local.h": "",
    "c/vendor/deep/only.h": "",
}


@pytest.mark.parametrize(
    ("path", "text", "files"),
    [
        ("pkg/main.py", "import pkg.side", ["pkg/side.py"]),
        ("pkg/main.py", "from . import side, inner", ["pkg/side.py", "pkg/inner/__init__.py", "pkg/__init__.py"]),
        ("pkg/inner/x.py", "from ..side import f", ["pkg/side.py"]),
        (
            "pkg/x.py",
            "from pkg.inner import (\n    deep,  # why\n    g,\n)",
            ["pkg/inner/deep.py", "pkg/inner/__init__.py"],
        ),
        ("tests/x.py", "    from app.core import run as r", ["src/app/core.py"]),
        ("pkg/main.py", "import os, numpy as np", []),
        ("src/ui/a.ts", "import { a } from './button'", ["src/ui/button.jsx"]),
        ("src/ui/a.ts", "import list from '@lib/list'", ["src/lib/list.ts"]),
        ("src/ui/a.ts", "export * from 'exact'", ["src/exact.ts"]),
        ("src/ui/a.ts", "import x from 'based'", ["src/based.ts"]),
        ("src/ui/a.ts", "import x from 'react'", []),
        ("src/a.js", "const { Button } = require('./ui')", ["src/ui/index.tsx"]),
        ("src/a.ts", "import './lib/list.js'", ["src/lib/list.ts"]),
        ("src/a.js", "const { start } = require('..')", ["index.js"]),
        ("cmd/main.go", 'import (\n\t"fmt"\n\tc "example.org/shop/cart"\n)', ["cart/cart.go"]),
        ("legacy/src/shop/cmd/main.go", 'import "shop/list"', []),  # the module's own go.mod says what its names are
        ("src/lib.rs", "mod engine;", ["src/engine/mod.rs"]),
        ("src/engine/mod.rs", "pub(crate) mod pool;", ["src/engine/pool.rs"]),
        ("src/engine/pool.rs", "use crate::util::{one, two as deux};", ["src/util.rs"]),
        ("src/engine/pool.rs", "use super::Engine;", ["src/engine/mod.rs"]),
        ("crate/tests/run.rs", "mod common;", ["crate/tests/common/mod.rs"]),
        ("crate/tests/run.rs", "use common::start;", ["crate/tests/common/mod.rs"]),
        ("crate/tests/run.rs", "use crate::common::start;", ["crate/tests/common/mod.rs"]),
        ("crate/src/bin/tool.rs", "mod flags;", ["crate/src/bin/flags.rs"]),
        ("crate/src/tests/part.rs", "mod common;", ["crate/src/tests/part/common.rs"]),
        ("java/src/main/java/org/app/A.java", "import org.shop.Cart;", ["java/src/main/java/org/shop/Cart.java"]),
        (
            "java/src/main/java/org/app/A.java",
            "import org.shop.*;",
            ["java/src/main/java/org/shop/Cart.java", "java/src/main/java/org/shop/Price.java"],
        ),
        ("A.java", "import static org.shop.Price.round;", ["java/src/main/java/org/shop/Price.java"]),
        ("c/src/main.c", '#include "local.h"\n', ["c/src/local.h"]),
        ("c/src/main.c", "#  include <list.h>\n", ["c/include/list.h"]),
        ("c/src/main.cpp", '#include "deep/only.h"\n', ["c/vendor/deep/only.h"]),
        ("c/src/main.c", "#include <stdio.h>\n", []),
    ],
)
def test_an_import_means_the_files_that_the_language_says(
    tmp_path: Path, path: str, text: str, files: list[str]
) -> None:
    index, view = indexed(write_tree(tmp_path / "root", TREE), tmp_path / "cache")
    language = language_of(path)
    found = [file for one in find_imports(language, text) for file in view.imported_files(one, path, language)]
    assert found == files or (set(found) >= set(files) and files and set(found) - set(files) <= {"pkg/__init__.py"})
    index.close()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import { type A, b as c } from './m'", ["A", "b"]),
        ("import a, * as rest from './m'", ["a"]),
        ("import type * as types from './m'", []),
        ("export * from './m'", ["*"]),
        ("export type * from './m'", ["*"]),
        ("export * as rest from './m'", []),
    ],
)
def test_a_script_takes_the_names_of_the_other_file(text: str, names: list[str]) -> None:
    assert find_imports("typescript", text) == [("./m", names)]


def test_an_import_never_leads_out_of_the_workspace_or_into_an_ignored_folder(tmp_path: Path) -> None:
    write_tree(tmp_path, {"outside.py": "x = 1\n", "root/.gitignore": "hidden/\n", "root/hidden/it.py": "y = 1\n"})
    index, view = indexed(write_tree(tmp_path / "root", {"a.py": ""}), tmp_path / "cache")
    for text in ("from .. import outside", "from ...outside import x", "import hidden.it"):
        for one in find_imports("python", text):
            assert view.imported_files(one, "a.py", "python") == []
    index.close()


@pytest.mark.parametrize("language", ["python", "typescript", "go", "rust", "java", "c", "plaintext"])
def test_half_written_imports_are_no_error(language: str) -> None:
    for text in (
        "import",
        "from",
        "from x import",
        "from . import (",
        "use a::{b",
        '#include "',
        'import "',
        "import {",
    ):
        find_imports(language, text)
        find_imports(language, "\n" + text + "\n")


@pytest.mark.parametrize(
    ("path", "text", "files"),
    [
        ("src/main.rs", "use std::fmt::Error;", []),
        ("src/a.rs", "use serde::Serialize;", []),
        ("src/main.rs", "use shop_list::f;", ["src/lib.rs"]),
        ("app/server.py", "from logging import getLogger", []),
        ("app/server.py", "from .logging import getLogger", ["app/logging.py"]),
    ],
)
def test_what_is_imported_from_outside_is_no_file_of_that_name_or_the_own_one(
    path: str, text: str, files: list[str], tmp_path: Path
) -> None:
    names = ["src/lib.rs", "src/main.rs", "src/a.rs", "app/__init__.py", "app/logging.py"]
    tree = {"Cargo.toml": '[package]\nname = "shop-list"\n', **dict.fromkeys(names, "")}
    index, view = indexed(write_tree(tmp_path / "root", tree), tmp_path / "cache")
    language = language_of(path)
    found = [file for one in find_imports(language, text) for file in view.imported_files(one, path, language)]
    index.close()
    assert found[:1] == files
