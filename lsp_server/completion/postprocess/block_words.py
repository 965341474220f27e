"""Languages whose blocks end with a word, such as `end`."""

import re
from collections.abc import Sequence

_RUBY = r"^(?:[\w@.]+ *=\s*)?(?:def|class|module|if|unless|while|until|for|case|begin)\b|\bdo\b *(?:\|[^|]*\|)?$"
_OPENING = {
    "elixir": re.compile(r"\bdo$|\bfn\b(?!.*\bend\b)"),
    "julia": re.compile(r"^(?:function|if|for|while|begin|let|module|struct|mutable struct|try|quote|macro)\b|\bdo\b"),
    "lua": re.compile(r"\bthen$|\bdo$|\bfunction\b(?!.*\bend\b)"),
    "ruby": re.compile(_RUBY),
    "shellscript": re.compile(r"\bthen$|\bdo$|^case\b.*\bin$"),
}
_CLOSING = re.compile(r"(?:end|fi|done|esac)(?:$|[^\w:=!?])")


def has_block_words(language: str) -> bool:
    """Return whether a block may begin without a bracket or a colon."""
    return language in _OPENING


def word_depth(lines: Sequence[str], language: str) -> int:
    """Return the number of blocks that words in the lines open, less those that they close."""
    opening = _OPENING.get(language)
    if opening is None:
        return 0
    stripped = [line.strip() for line in lines]
    return sum(opening.search(line) is not None for line in stripped) - sum(map(bool, map(_CLOSING.match, stripped)))
