"""Only MIT, BSD, Apache and PSF text is trained on."""

from email.message import Message

import pytest

from training.packages.licences import allows_expression, has_foreign_header, read_package_licence


def metadata(**fields: str | list[str]) -> Message:
    message = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause", True),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("Apache-2.0 AND MIT", True),
        ("(MIT OR LGPL-2.1-only) AND PSF-2.0", True),
        ("MIT AND LGPL-2.1-only", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("MPL-2.0", False),
        ("MIT OR", False),
        ("(MIT", False),
        ("", False),
    ],
)
def test_an_expression_is_allowed_only_when_it_grants_an_allowed_licence(expression: str, allowed: bool) -> None:
    assert allows_expression(expression) is allowed


@pytest.mark.parametrize(
    "fields",
    [
        {"License": "LGPL-2.1"},
        {"License": "BSD, GPL"},
        {"License": "MIT with restrictions on commercial use"},
        {"License": ""},
        {},
        {"License_Expression": "GPL-3.0-only", "License": "MIT"},
        {"Classifier": ["License :: OSI Approved :: MIT License", "License :: Other/Proprietary"]},
        {"Classifier": ["License :: OSI Approved :: GNU Lesser General Public License v3"]},
    ],
)
def test_a_package_is_refused_without_a_clear_allowed_licence(
    fields: dict[str, str | list[str]],
) -> None:
    assert read_package_licence(metadata(**fields)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"License": "BSD"},
        {"License": "Apache License 2.0"},
        {"License": "new BSD License"},
        {"License_Expression": "Apache-2.0 OR BSD-3-Clause"},
        {"Classifier": "License :: OSI Approved :: Python Software Foundation License"},
    ],
)
def test_a_package_with_an_allowed_licence_is_taken(fields: dict[str, str | list[str]]) -> None:
    assert read_package_licence(metadata(**fields))


@pytest.mark.parametrize(
    "head",
    [
        "# This file is free software under the GNU General Public License\n",
        "# SPDX-License-Identifier: LGPL-2.1-or-later\n",
        '"""Licensed under the Mozilla Public License 2.0"""\n',
        "# (c) Someone, CC-BY-SA 4.0\n",
    ],
)
def test_a_file_with_a_foreign_header_is_refused(head: str) -> None:
    assert has_foreign_header(head + "x = 1\n")


def test_a_file_that_names_an_allowed_licence_is_kept() -> None:
    assert not has_foreign_header("# SPDX-License-Identifier: Apache-2.0\nimport os\n")
    far_below = "x = 1\n" * 1000 + "# GPL\n"
    assert not has_foreign_header(far_below)
