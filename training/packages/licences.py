"""The check of licences, read from package metadata and from file headers.

MIT, BSD, Apache-2.0, PSF, ISC, zlib and curl's are allowed. A licence that cannot be read with certainty is refused.
"""

import re
from email.message import Message

ALLOWED_SPDX = frozenset(
    {
        "mit",
        "bsd-2-clause",
        "bsd-3-clause",
        "0bsd",
        "apache-2.0",
        "psf-2.0",
        "python-2.0",
        "python-2.0.1",
        "isc",
        "zlib",
        "curl",
    }
)
ALLOWED_CLASSIFIERS = frozenset(
    {
        "MIT License",
        "BSD License",
        "Apache Software License",
        "Python Software Foundation License",
    }
)
# Free text of the old `License:` field. The whole field must match, so "BSD, GPL" is refused.
ALLOWED_TEXT = re.compile(
    r"(the\s+)?(new |modified |simplified )?"
    r"(mit|bsd|[23]-clause bsd|bsd[ -][23][ -]clause|apache([ -]license)?,?([ -](version )?v?2(\.0)?)?"
    r"|psf|python software foundation)([ -]licen[cs]e)?",
    re.IGNORECASE,
)
FOREIGN_HEADER = re.compile(
    r"\bA?L?GPL\b|\bA?L?GPL-?v?[123]|GNU (Lesser |Library |Affero )?General Public"
    r"|Mozilla Public|\bMPL[- ]?[12]|Eclipse Public|CeCILL|Creative Commons|\bCC[- ]BY"
    r"|Zope Public|Server Side Public|Business Source License|Elastic License|proprietary",
    re.IGNORECASE,
)
SPDX_HEADER = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n]+)")
HEADER_CHARS = 3000


def allows_expression(expression: str) -> bool:
    """Return whether an SPDX expression grants one of the allowed licences for all of the package.

    `OR` needs one allowed side, `AND` needs all; a `WITH` exception is refused.
    """
    flat = expression.replace("(", " ( ").replace(")", " ) ").split()
    position = 0
    malformed = False

    def parse_or() -> bool:
        nonlocal position
        allowed = parse_and()
        while position < len(flat) and flat[position].upper() == "OR":
            position += 1
            allowed = parse_and() or allowed
        return allowed

    def parse_and() -> bool:
        nonlocal position
        allowed = parse_term()
        while position < len(flat) and flat[position].upper() == "AND":
            position += 1
            allowed = parse_term() and allowed
        return allowed

    def parse_term() -> bool:
        nonlocal position, malformed
        if position >= len(flat):
            malformed = True
            return False
        term = flat[position]
        position += 1
        if term == "(":
            allowed = parse_or()
            malformed |= flat[position : position + 1] != [")"]
            position += 1
            return allowed
        return term.lower() in ALLOWED_SPDX

    allowed = parse_or()
    return allowed and not malformed and position == len(flat)


def read_package_licence(metadata: Message) -> str | None:
    """The package's licence in words if it is allowed, else None.

    `metadata` is the parsed METADATA of a wheel or installed distribution. Order of trust:
    `License-Expression`, then classifiers (every one must be allowed), then the old free text.
    """
    expression = metadata.get("License-Expression")
    if expression:
        return expression if allows_expression(expression) else None
    classifiers = [
        line.rsplit(" :: ", 1)[-1]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License ::") and line != "License :: OSI Approved"
    ]
    if classifiers:
        if all(name in ALLOWED_CLASSIFIERS for name in classifiers):
            return " AND ".join(sorted(classifiers))
        return None
    text = (metadata.get("License") or "").strip()
    if allows_expression(text) or ALLOWED_TEXT.fullmatch(text):
        return text
    return None


def has_foreign_header(text: str) -> bool:
    """Return whether the head of a file names a licence that is not allowed."""
    head = text[:HEADER_CHARS]
    spdx = SPDX_HEADER.search(head)
    if spdx and not allows_expression(spdx.group(1).strip().rstrip("\"'*/ ")):
        return True
    return FOREIGN_HEADER.search(head) is not None
