"""Debian's machine-readable copyright files (DEP-5): which files of a package may be trained on.

What is not in that form is refused.
"""

import re
from dataclasses import dataclass
from fnmatch import translate

from training.packages.licences import allows_expression

# Debian's short names -> SPDX's.
_SHORT_NAMES = {
    "expat": "mit",
    "apache-2": "apache-2.0",
    "bsd-2": "bsd-2-clause",
    "bsd-3": "bsd-3-clause",
    "bsd3": "bsd-3-clause",
    "go": "bsd-3-clause",
}
_FIELD = re.compile(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)


@dataclass(frozen=True)
class CopyrightFile:
    """The licence of all files, and the patterns of files under others that are not allowed."""

    licence: str
    refused: tuple[re.Pattern[str], ...]

    def allows(self, path: str) -> bool:
        """Return whether a file may be used. Wherever the package begins in its path: each end of it is compared."""
        parts = path.split("/")
        ends = ["/".join(parts[first:]) for first in range(len(parts))]
        return not any(pattern.fullmatch(end) for pattern in self.refused for end in ends)


def read_copyright(text: str) -> CopyrightFile | None:
    """The copyright file, or None when the licence of all files (`Files: *`) is not allowed or cannot be read."""
    if not text.lstrip("\ufeff \n").startswith("Format"):
        return None
    main: str | None = None
    refused: list[re.Pattern[str]] = []
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = {name.lower(): value for name, value in _FIELD.findall(stanza)}
        if "files" not in fields:
            continue
        patterns = fields["files"].replace(",", " ").split()
        licence = fields.get("license", "").split("\n", 1)[0].strip()
        if "*" in patterns:
            main = licence
        elif not _allows(licence):
            refused += [re.compile(translate(pattern.removeprefix("./"))) for pattern in patterns]
    return CopyrightFile(main, tuple(refused)) if main is not None and _allows(main) else None


def _allows(licence: str) -> bool:
    """`or` binds less than `and`; Debian writes a comma before an `or` that binds less still, which is refused here."""
    words = licence.replace("/", " OR ").split()
    return allows_expression(" ".join(_SHORT_NAMES.get(word.lower(), word) for word in words))
