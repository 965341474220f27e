"""Reads the patterns of an ignore file as git does: gitignore(5), and wildmatch.c of git's source.

Matches take linear time. pathspec's patterns do not serve here. They also match all that lies in the folder that they
name, so that a kept folder would keep every file in it, and have no public way to match the path alone. They read
`[[:alpha:]]`, `[a\\]]` and `***` otherwise than git, let `[!a]` match a "/", and raise an error of `re` for `[z-a]`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_CHARACTER = r"\\.|[^\]\\]"
_ITEM = rf"\[:[^\]]*:\]|(?:{_CHARACTER})-(?:{_CHARACTER})|{_CHARACTER}"
_PART = re.compile(
    r"(?P<folders>(?<![^/])\*{2,}/)"  # any number of folders
    r"|(?P<all>(?<![^/])\*{2,}\Z)"  # all that lies here
    r"|(?P<stars>\*+)"
    r"|(?P<one>\?)"
    rf"|\[(?P<negation>[!^]?)(?P<set>(?>\](?:-(?:{_CHARACTER}))?|{_ITEM})(?:{_ITEM})*+)\]"
    r"|\\(?P<escaped>.)"
    r"|(?P<plain>[^*?\[\\])",
    re.DOTALL,
)
_SET_ITEM = re.compile(r"\[:(?P<kind>[^\]]*):\]|\\?(?P<low>.)(?:-\\?(?P<high>.))?", re.DOTALL)
_KINDS = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@[-`{-~",
    "space": r" \t-\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_WILDCARDS = frozenset("*?[\\")
_UP_TO_TRAILING_SPACES = re.compile(r"(?: *(?:\\.?|[^\\ ]))*", re.DOTALL)


@dataclass(frozen=True)
class GitPattern:
    """A pattern of an ignore file. `keeps`: the pattern takes back what an earlier one ignores."""

    keeps: bool
    only_folders: bool
    only_name: bool  # the pattern is matched with the path's last part
    regex: re.Pattern[str]

    def matches(self, path: str, name: str, is_folder: bool) -> bool:
        """Return whether the pattern names the path itself, which is given as `bytewise` gives it."""
        if self.only_folders and not is_folder:
            return False
        return self.regex.fullmatch(name if self.only_name else path) is not None


# The patterns of some lines, each with the index of its line, the last first.
Patterns = tuple[tuple[int, GitPattern], ...]


def read_patterns(lines: Iterable[str]) -> Patterns:
    """Read the patterns of lines without their line ends."""
    read = [(number, pattern) for number, line in enumerate(lines) if (pattern := read_pattern(line)) is not None]
    return tuple(reversed(read))


def find_deciding(patterns: Patterns, parts: Sequence[str], is_folder: bool) -> tuple[int, GitPattern] | None:
    """Return the last pattern that names the path, with the index of its line. The path's folders are not judged."""
    path, name = bytewise("/".join(parts)), bytewise(parts[-1])
    return next((found for found in patterns if found[1].matches(path, name, is_folder)), None)


def read_pattern(line: str) -> GitPattern | None:
    """Return the pattern of a line without its line end; None for a comment, and for a pattern that names nothing."""
    found = _UP_TO_TRAILING_SPACES.match(line)
    glob = bytewise(found[0] if found else "")
    if glob.startswith("#"):
        return None
    keeps, glob = glob.startswith("!"), glob.removeprefix("!")
    only_folders, glob = glob.endswith("/"), glob.removesuffix("/")
    regex = _to_regex(glob.removeprefix("/"))
    return GitPattern(keeps, only_folders, "/" not in glob, re.compile(regex, re.DOTALL)) if regex else None


def bytewise(text: str) -> str:
    """Return a string with one character for each byte of the text in UTF-8: git's `?` and `[…]` match one byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _to_regex(glob: str) -> str | None:
    # Git compares what stands before the first wildcard by itself: `**` right behind it is as at the beginning.
    start = next((number for number, character in enumerate(glob) if character in _WILDCARDS), len(glob))
    sections, position = [[re.escape(glob[:start])]], 0
    glob = glob[start:]
    while position < len(glob):
        part = _PART.match(glob, position)
        if part is None:  # a bracket without its end, or a backslash with nothing behind it
            return None
        position = part.end()
        match part.lastgroup:
            case "folders":
                sections.append(["(?:.*?/)??"])
            case "all":
                sections.append([".*"])
            case "stars":
                sections[-1].append("[^/]*?")
            case "one":
                sections[-1][-1] += "[^/]"
            case "set":
                characters = _to_regex_set(part["set"])
                if characters is None:
                    return None
                sections[-1][-1] += f"[^/{characters}]" if part["negation"] else f"(?!/)[{characters}]"
            case _:
                sections[-1][-1] += re.escape(part["escaped"] or part["plain"])
    return _committed([head + _committed(stars) for head, *stars in sections])


def _committed(runs: Sequence[str]) -> str:
    """Join runs that begin with wildcards, so that each run but the last keeps to the first place where it matches.

    The next run's wildcard reaches whatever a later place would leave. Without this, `*a*a*a*a*b` takes for ever.
    """
    return "".join(f"(?>{run})" for run in runs[:-1]) + "".join(runs[-1:])


def _to_regex_set(items: str) -> str | None:
    """Translate the items in brackets for a regular expression; None where git knows no such kind of character."""
    found: list[str] = []
    for item in _SET_ITEM.finditer(items):
        if item["kind"] is not None:
            if item["kind"] not in _KINDS:
                return None
            found.append(_KINDS[item["kind"]])
            continue
        low, high = item["low"], item["high"]
        found.append(re.escape(low))
        if high is not None and low <= high:
            found.append(f"{re.escape(low)}-{re.escape(high)}")
    return "".join(found)
