"""Writes the table of settings into docs/settings.md and into VS Code's package.json and README.md.

Run it from the repository's root, as `python -m editors.vscode.write_settings`.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsp_server.settings.table import TABLE, Setting

PACKAGE = Path(__file__).with_name("package.json")
README = Path(__file__).with_name("README.md")
DOCS_PAGE = Path(__file__).parents[2] / "docs/settings.md"
OWN = ("midspan.path", "midspan.install.requirement", "midspan.install.arguments")  # the extension's, not the server's
FIRST = ("completion.model", "chat.model")  # on VS Code's page, behind midspan.path


def configured(package: dict[str, Any]) -> dict[str, Any]:
    """The package with the settings of the table behind its own. None of them is an untrusted folder's to set."""
    contributes = package["contributes"]
    own = {name: contributes["configuration"]["properties"][name] for name in OWN}
    properties = own | {f"midspan.{setting.name}": _property(setting) for setting in TABLE}
    configuration = contributes["configuration"] | {"properties": properties}
    untrusted = package["capabilities"]["untrustedWorkspaces"] | {"restrictedConfigurations": [*properties]}
    capabilities = package["capabilities"] | {"untrustedWorkspaces": untrusted}
    return package | {
        "capabilities": capabilities,
        "contributes": contributes | {"configuration": configuration},
    }


def with_rows(page: str, rows: Sequence[str]) -> str:
    """The page with these rows in its table of settings."""
    lines = "".join(f"{row}\n" for row in rows)
    return re.sub(r"(\| setting \|.*\n\|---.*\n)(\| .*\n)+", lambda found: found[1] + lines, page)


def docs_rows() -> list[str]:
    """A row of docs/settings.md for each setting."""
    return [setting.row for setting in TABLE]


def readme_rows() -> list[str]:
    """A row of VS Code's README for each setting, under the name that VS Code gives it."""
    return [_readme_row(setting) for setting in TABLE]


def written(package: dict[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def _readme_row(setting: Setting) -> str:
    """Links lead from the extension's folder to `docs`."""
    row = setting.row.replace("| `", "| `midspan.", 1)
    return re.sub(r"\]\(#", f"]({DOCS_PAGE.name}#", row).replace("](", "](../../docs/")


def _property(setting: Setting) -> dict[str, Any]:
    default = json.loads(json.dumps(setting.default))  # lists for tuples
    meaning = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", setting.meaning)  # VS Code's settings have no pages to link to
    without = f" Without it: {setting.without}." if default is None else ""
    schema = setting.kind.schema
    if schema.get("type") == ["string", "null"]:  # for which the page of the settings has no field
        schema, default = {"type": "string"}, ""
    if setting.name in FIRST:
        section = setting.name.partition(".")[0]
        without += f" [Select a model](command:midspan.selectModel?%22{section}%22)"
    return {
        **schema,
        **({"order": 1 + FIRST.index(setting.name)} if setting.name in FIRST else {}),
        "default": default,
        "scope": "machine" if setting.kind.users_own else "window",
        "markdownDescription": f"{meaning[:1].upper()}{meaning[1:]}.{without}",
    }


if __name__ == "__main__":
    for page, rows in ((DOCS_PAGE, docs_rows()), (README, readme_rows())):
        page.write_text(with_rows(page.read_text(encoding="utf-8"), rows), encoding="utf-8")
    PACKAGE.write_text(written(configured(json.loads(PACKAGE.read_text(encoding="utf-8")))), encoding="utf-8")
