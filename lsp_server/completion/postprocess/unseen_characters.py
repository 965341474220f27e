"""Find characters that a reader does not see, or that make the text look different from what it is.

A model that writes such characters is broken, or a file in its prompt has talked it into them. The whole text is
refused, because a text without them, such as the rest of an escape sequence, is one that nobody wrote. A completion may
hold those characters that the document has near the cursor.
"""

import unicodedata

# Visible format characters, such as signs over or under numbers.
_SEEN = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Invisible letters and marks: joiners of combining marks, fillers of Hangul, inherent vowels of Khmer.
_BLANK = set("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"
_KEYCAPS = "0123456789#*"


def unseen_characters(text: str, beside: str = "") -> list[str]:
    """Return the code points of unseen characters in order, e.g. "U+202E", without those that `beside` holds too."""
    unseen = [character for index, character in enumerate(text) if _hides(text, index) and character not in beside]
    return [f"U+{ord(character):04X}" for character in dict.fromkeys(unseen)]


def replace_unseen(text: str) -> str:
    """Replace each unseen character by U+FFFD, which readers see."""
    return "".join("\ufffd" if _hides(text, index) else character for index, character in enumerate(text))


def _hides(text: str, index: int) -> bool:
    character = text[index]
    is_suspect = not character.isprintable() or _is_selector(character) or character in _BLANK
    return is_suspect and _is_unseen(text, index)


def _is_unseen(text: str, index: int) -> bool:
    character = text[index]
    if character in "\t\n" or character in _SEEN:
        return False
    before, after = text[:index][-1:], text[index + 1 : index + 2]
    if _is_selector(character):  # one selector chooses a form; a row of them may hide data
        return not before or _is_selector(before) or (before.isascii() and before not in _KEYCAPS)
    if character in _JOINERS:
        return not (_takes_joiner(before) and _takes_joiner(after))
    return character in _BLANK or unicodedata.category(character) in _UNSEEN_CATEGORIES


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _takes_joiner(character: str) -> bool:
    """Return whether a joiner changes the character: an emoji, or a letter of Arabic, Indic and other scripts."""
    if not character or character < "\u0590":
        return False
    return unicodedata.category(character) in {"So", "Sk", "Lo", "Mn", "Mc"} and character not in _BLANK
