"""The mentions in a question: "@" before a file, a folder or a definition, as the user writes them.

`@src/app.py` is a file, `@src/` a folder, `@App.run` a definition, and `@src/app.py#App.run` that of one file. A kind
may stand before it, `@file:app.py`, and quotes around a name with spaces, `@"my notes.md"`.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

MentionKind = Literal["file", "folder", "symbol"]

_KINDS = "|".join(get_args(MentionKind))
_PLAIN = r"[\w./\\#$~+-]+"
# A mention stands where a word begins. What is between backticks is code, where "@" has meanings of its own.
_MENTION = re.compile(
    rf"`[^`\n]*`|(?<![\w@/.\\])@(?:(?P<kind>{_KINDS}):)?(?:\"(?P<quoted>[^\"\n]+)\"|(?P<plain>{_PLAIN}))"
)
_FENCE = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)
_STOPS = ".,#"  # that end a sentence, not a name
_MOST_MENTIONS = 20


@dataclass(frozen=True)
class Mention:
    """`name` is a path, or a definition's name; `inside` is the path of the file that the definition is in, or ""."""

    text: str
    name: str
    kind: MentionKind | None = None
    inside: str = ""


def mentions_in(text: str) -> list[Mention]:
    """Return the mentions of a question in their order, each once."""
    found: dict[str, Mention] = {}
    for match in _MENTION.finditer(_FENCE.sub("", text)):
        written = match["quoted"] or (match["plain"] or "").rstrip(_STOPS)
        if not written.strip("./\\"):
            continue
        path, _, name = written.replace("\\", "/").rpartition("#")
        kind: MentionKind | None = next((kind for kind in get_args(MentionKind) if kind == match["kind"]), None)
        found.setdefault(written, Mention(f"@{written}", name, "symbol" if path else kind, path))
    return list(found.values())[:_MOST_MENTIONS]


def mention_of_path(path: str) -> str:
    """Return the mention of a file or, for a path that ends with "/", of a folder."""
    return f"@{path}" if re.fullmatch(_PLAIN, path) and path[-1] not in _STOPS else f'@"{path}"'


def mention_of_symbol(name: str, inside: str = "") -> str:
    """Return the mention of a definition, of that in the file `inside` if one is named."""
    return mention_of_path(f"{inside}#{name}" if inside else name)


def part_query(query: str) -> tuple[MentionKind | None, str]:
    """Return the kind that a text behind "@" begins with, if any, and the letters after it, without a quote."""
    kind, colon, rest = query.partition(":")
    for known in get_args(MentionKind):
        if colon and kind == known:
            return known, rest.lstrip('"')
    return None, query.lstrip('"')
