"""Writes the server's settings into package.json and README.md, from their table.

Run it from the repository's root, as `python -m editors.vscode.write_settings`.
"""

import json
import re
from pathlib import Path
from typing import Any

from lsp_server.settings.table import TABLE, Setting
from lsp_server.settings.values import Settings

PACKAGE = Path(__file__).with_name("package.json")
README = Path(__file__).with_name("README.md")
OWN = "midspan.path"  # the extension's own setting, which stands first


def configured(package: dict[str, Any]) -> dict[str, Any]:
    """The package with the settings of the table behind its own."""
    contributes = package["contributes"]
    own = contributes["configuration"]["properties"][OWN]
    properties = {OWN: own} | {f"midspan.{setting.name}": _property(setting) for setting in TABLE}
    configuration = contributes["configuration"] | {"properties": properties}
    return package | {"contributes": contributes | {"configuration": configuration}}


def with_rows(readme: str) -> str:
    """The README with a row for each setting."""
    rows = "".join(f"{_row(setting)}\n" for setting in TABLE)
    return re.sub(r"(\| setting \|.*\n\|---.*\n)(\| .*\n)+", lambda found: found[1] + rows, readme)


def written(package: dict[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def _row(setting: Setting) -> str:
    return setting.row.replace("| `", "| `midspan.", 1).replace("](#", "](../../README.md#")


def _property(setting: Setting) -> dict[str, Any]:
    default = json.loads(json.dumps(_default(setting.name)))  # lists for tuples
    meaning = re.sub(r"\[([^]]*)\]\(#[^)]*\)", r"\1", setting.meaning)  # links lead to places of the README
    without = f" Without it: {setting.default}." if default is None else ""
    return {
        **setting.kind.schema,
        "default": default,
        "scope": "machine" if setting.kind.users_own else "window",
        "markdownDescription": f"{meaning[:1].upper()}{meaning[1:]}.{without}",
    }


def _default(name: str) -> Any:
    value: Any = Settings()
    for part in name.split("."):
        value = getattr(value, part)
    return value


if __name__ == "__main__":
    README.write_text(with_rows(README.read_text(encoding="utf-8")), encoding="utf-8")
    PACKAGE.write_text(written(configured(json.loads(PACKAGE.read_text(encoding="utf-8")))), encoding="utf-8")
