"""A file's references lead to the files of its package that it needs, in every language."""

import pytest

from training.corpus.references import find_references

PACKAGES = {
    "typescript": {
        "src/index.ts": "import { Shape } from './shapes/shape.js';\nimport './missing';\n",
        "src/shapes/shape.ts": "export const PI = 3;\n",
        "src/shapes/index.ts": "import { x } from '../index';\n",
    },
    "javascript": {
        "lib/a.js": "const b = require('./b');\n",
        "lib/b/index.js": "module.exports = 1;\n",
    },
    "go": {
        "server.go": "package p\n\nfunc (s *Server) Serve() { handleRequest(s) }\n",
        "handler.go": "package p\n\nfunc handleRequest(s *Server) {}\n",
        "other.go": "package p\n",
    },
    "rust": {
        "src/lib.rs": "mod tokens;\nuse crate::tokens::TokenStream;\n",
        "src/tokens.rs": "pub(crate) struct TokenStream;\n",
        "src/other.rs": "fn nothing() {}\n",
    },
    "c": {
        "src/main.c": '#include "util.h"\n\nint main(void) { return add_numbers(1, 2); }\n',
        "src/util.h": "int add_numbers(int, int);\n",
        "src/util.c": "int\nadd_numbers(int a, int b)\n{\n    return a + b;\n}\n",
    },
}


@pytest.mark.parametrize(
    ("package", "path", "wanted"),
    [
        ("typescript", "src/index.ts", ["src/shapes/shape.ts"]),
        ("typescript", "src/shapes/index.ts", ["src/index.ts"]),
        ("javascript", "lib/a.js", ["lib/b/index.js"]),
        ("go", "server.go", ["handler.go"]),
        ("go", "other.go", []),
        ("rust", "src/lib.rs", ["src/tokens.rs"]),
        ("c", "src/main.c", ["src/util.h", "src/util.c"]),
    ],
)
def test_a_file_refers_to_what_it_names(package: str, path: str, wanted: list[str]) -> None:
    files = PACKAGES[package]
    paths = sorted(files)
    found = dict(zip(paths, find_references(paths, files), strict=True))
    assert [paths[index] for index in found[path]] == wanted


def test_a_name_that_two_files_define_leads_to_neither() -> None:
    files = {"a.go": "func startServer() {}\n", "b.go": "func startServer() {}\n", "c.go": "startServer()\n"}
    assert find_references(sorted(files), files) == [[], [], []]


def test_files_that_are_named_as_often_stand_in_the_order_of_their_names() -> None:
    names = [f"start{letter * 3}" for letter in "hbfadgce"]
    files = {f"{number}.go": f"func {name}() {{}}\n" for number, name in enumerate(names)}
    files["z.go"] = "".join(f"{name}()\n" for name in reversed(names))
    assert find_references(sorted(files), files)[-1] == list(range(7, -1, -1))
