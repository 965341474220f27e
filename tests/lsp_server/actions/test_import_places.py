"""A new import joins the imports of its module, or comes to its place among those of its kind."""

import pytest

from context.documents.document import Document, language_of
from context.imports.import_statements import place_import


@pytest.mark.parametrize(
    ("text", "statement", "expected"),
    [
        ("", "import os", "import os\n"),
        ("x = 1\n", "import os", "import os\n\nx = 1\n"),
        ('"""Doc."""\n\nx = 1\n', "import os", '"""Doc."""\n\nimport os\n\nx = 1\n'),
        ("#!/usr/bin/python\n# c\nx = 1\n", "import os", "#!/usr/bin/python\n# c\n\nimport os\nx = 1\n"),
        ("import abc\nimport sys\n", "import os", "import abc\nimport os\nimport sys\n"),
        ("import sys\nimport abc\n", "import os", "import sys\nimport abc\nimport os\n"),
        ("import abc\nfrom sys import argv\n", "import os", "import abc\nimport os\nfrom sys import argv\n"),
        # One import out of order among sorted ones, and too many.
        (
            "from a.b import c\nfrom a import d\nfrom a.f import g\nfrom a.k import m\n",
            "from a.h import i",
            "from a.b import c\nfrom a import d\nfrom a.f import g\nfrom a.h import i\nfrom a.k import m\n",
        ),
        (
            "import z\nimport abc\nimport y\nimport sys\nimport x\n",
            "import b",
            "import z\nimport abc\nimport y\nimport sys\nimport x\nimport b\n",
        ),
        ("import abc\n\nimport click\n", "import os", "import abc\nimport os\n\nimport click\n"),
        ("import click\n\nx = 1\n", "import os", "import os\n\nimport click\n\nx = 1\n"),
        ("import os\n\nx = 1\n", "from .a import b", "import os\n\nfrom .a import b\n\nx = 1\n"),
        ("from __future__ import annotations\n", "import os", "from __future__ import annotations\n\nimport os\n"),
        ("from .a import b\n", "from .a import c", "from .a import b, c\n"),
        (
            "from a import b\nfrom a import d\n",
            "from a import c",
            "from a import b\nfrom a import c\nfrom a import d\n",
        ),
        (
            "from a import (\n    b,\n)\nx = 1\n",
            "from a import c",
            "from a import (\n    b,\n    c,\n)\nx = 1\n",
        ),
        ("from a import (b, d)\n", "from a import c", "from a import (b, d, c)\n"),
        ("from a import (b, D, e as f)\n", "from a import c", "from a import (b, c, D, e as f)\n"),
        (
            "from a import (\n    b,\n    d,\n    e,\n)\n",
            "from a import c",
            "from a import (\n    b,\n    c,\n    d,\n    e,\n)\n",
        ),
        (
            "from a import b, d\nfrom a import e, f\n",
            "from a import c",
            "from a import b, d\nfrom a import c, e, f\n",
        ),
        # In isort's order: constants, classes, functions.
        ("from a import CC, B, d\n", "from a import DD", "from a import CC, DD, B, d\n"),
        # What looks like an import in a string.
        (
            'from a import b, d\n\nTEXT = """\nfrom a import e\n"""\n',
            "from a import c",
            'from a import b, d, c\n\nTEXT = """\nfrom a import e\n"""\n',
        ),
        # A name of which the others have a line each, or of a line that gets too long for the file.
        (
            "from a import (\n    b,\n    d as e,\n)\nfrom f import g\nfrom f import h\n",
            "from f import i",
            "from a import (\n    b,\n    d as e,\n)\nfrom f import g\nfrom f import h, i\n",
        ),
        (
            "from f import g\nfrom f import h\n",
            "from f import i",
            "from f import g\nfrom f import h\nfrom f import i\n",
        ),
        (
            f"from a import {'b' * 30}, {'c' * 30}\n",
            "from a import d",
            f"from a import {'b' * 30}, {'c' * 30}, d\n",
        ),
        (
            f"from a import b{'b' * 30}, c{'c' * 30}\n",
            "from a import ddd",
            f"from a import (\n    b{'b' * 30},\n    c{'c' * 30},\n    ddd,\n)\n",
        ),
        (
            f"from a import (\n    {'b' * 36}, {'c' * 36},\n    d,\n)\n",
            "from a import cx",
            f"from a import (\n    {'b' * 36}, {'c' * 36},\n    cx, d,\n)\n",
        ),
        (
            f"from a import ({'b' * 30}, {'c' * 30},\n               d)\n",
            "from a import ee",
            f"from a import ({'b' * 30}, {'c' * 30},\n               d, ee)\n",
        ),
    ],
)
def test_a_python_import_goes_among_those_of_its_kind(text, statement, expected):
    document = Document("src/shop/new.py", text, "python", 1)
    change = place_import(document, statement, None)
    assert text[: change.start] + change.text + text[change.end :] == expected


@pytest.mark.parametrize(
    ("path", "text", "statement", "expected"),
    [
        (
            "a.ts",
            "import x from 'y';\nf();\n",
            "import z from './z';",
            "import x from 'y';\nimport z from './z';\nf();\n",
        ),
        (
            "a.ts",
            "#!/usr/bin/env node\nf();\n",
            "import { a } from './z';",
            "#!/usr/bin/env node\n\nimport { a } from './z';\nf();\n",
        ),
        (
            "a.rs",
            "//! Doc.\n#![no_std]\n\nfn f() {}\n",
            "use crate::a::B;",
            "//! Doc.\n#![no_std]\n\nuse crate::a::B;\n\nfn f() {}\n",
        ),
        (
            "a.ts",
            "import { x } from './z';\nimport { w } from 'y';\n",
            "import { a } from './z';",
            "import { x, a } from './z';\nimport { w } from 'y';\n",
        ),
        (
            "a.ts",
            "import {\n  b,\n  type D,\n  x,\n} from './z';\n",
            "import { c } from './z';",
            "import {\n  b,\n  c,\n  type D,\n  x,\n} from './z';\n",
        ),
        (
            "a.ts",
            "import W, { b, x } from './z';\n",
            "import { c } from './z';",
            "import W, { b, c, x } from './z';\n",
        ),
        (
            "a.ts",
            "import type { b } from './z';\n",
            "import { c } from './z';",
            "import type { b } from './z';\nimport { c } from './z';\n",
        ),
        ("a.ts", "f();\n", "import z from './z';", "import z from './z';\n\nf();\n"),
        ("a.java", "package a;\n\nclass B {}\n", "import c.D;", "package a;\n\nimport c.D;\n\nclass B {}\n"),
        ("a.c", "#include <a.h>\nint x;\n", '#include "b.h"', '#include <a.h>\n#include "b.h"\nint x;\n'),
        ("a.rs", "use a::b;\nfn f() {}\n", "use c::d;", "use a::b;\nuse c::d;\nfn f() {}\n"),
    ],
)
def test_an_import_in_another_language_goes_among_the_existing_ones(path, text, statement, expected):
    change = place_import(Document(path, text, language_of(path), 1), statement, None)
    assert text[: change.start] + change.text + text[change.end :] == expected
