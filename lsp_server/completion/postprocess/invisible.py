"""Characters that a reader does not see, or that make him read something else than what is there.

A model that writes them is broken or was talked into it by a file in its prompt. What it wrote is refused as a whole:
without them it would be a text that nobody wrote, such as the rest of an escape sequence, and to a reader it looks
right either way. A document that has such characters near the cursor gets them in its completions too.
"""

import unicodedata

# Format characters that are seen: signs over or under numbers, and the like.
_SEEN = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Letters and marks that show nothing: joiners of combining marks, fillers of Hangul, inherent vowels of Khmer.
_BLANK = set("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"
_KEYCAPS = "0123456789#*"


def unseen_characters(text: str, beside: str = "") -> list[str]:
    """The names of those in the text that are not in `beside` too, in their order: code points, e.g. "U+202E"."""
    unseen = [character for index, character in enumerate(text) if _hides(text, index) and character not in beside]
    return [f"U+{ord(character):04X}" for character in dict.fromkeys(unseen)]


def show_unseen(text: str) -> str:
    """The text with a sign that is seen in place of each such character."""
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
    if _is_selector(character):  # one of them chooses a form; a row of them is a way to hide data
        return not before or _is_selector(before) or (before.isascii() and before not in _KEYCAPS)
    if character in _JOINERS:
        return not (_takes_joiner(before) and _takes_joiner(after))
    return character in _BLANK or unicodedata.category(character) in _UNSEEN_CATEGORIES


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _takes_joiner(character: str) -> bool:
    """Emoji are joined to one, and letters of Arabic, Indic and other scripts take another form by a joiner."""
    if not character or character < "\u0590":
        return False
    return unicodedata.category(character) in {"So", "Sk", "Lo", "Mn", "Mc"} and character not in _BLANK
