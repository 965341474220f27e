"""Characters that steer or reorder a text without being seen: no model writes one into a file."""

import unicodedata
from collections import Counter

from midspan import DocumentError

_PLAIN = "\t\n\r"
# Those of Unicode's format characters that words of some languages are written with.
_JOINERS = "\u200c\u200d"


def refuse_hidden(new_text: str, old_text: str) -> None:
    """Raises DocumentError when the new text has control, bidirectional or invisible characters that were not there."""
    if added := _hidden_in(new_text) - _hidden_in(old_text):
        names = ", ".join(sorted(f"U+{ord(character):04X}" for character in added))
        raise DocumentError(f"Nothing is changed: the model wrote characters that are not seen ({names}).")


def show_hidden(text: str) -> str:
    """The text with each such character replaced by a visible sign."""
    return "".join("\ufffd" if _is_hidden(character) else character for character in text)


def _hidden_in(text: str) -> Counter[str]:
    return Counter(filter(_is_hidden, text))


def _is_hidden(character: str) -> bool:
    if character in _PLAIN or character in _JOINERS:
        return False
    # Control, format (bidirectional marks, zero widths, tags), surrogate, line and paragraph separators.
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
