"""Judges a regular expression by which a tokenizer cuts texts: a library that backtracks runs it over every text."""

import re

MOST_CHARACTERS = 8192
# An escape, a class of characters, the beginning of a group, a quantifier, or any other character.
_PARTS = re.compile(
    r"""(?P<escape>\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\.)
    | (?P<class>\[\^?\]?(?:\\.|[^\\\[\]])*\])
    | (?P<opening>\((?:\?(?:i?:|=|!|<=|<!|>))?)
    | (?P<quantifier>[*+?][?+]?|\{[0-9,]+\}\??)
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_REFERENCE = re.compile(r"\\[gk1-9]")


def find_danger(pattern: str) -> str | None:
    """Return in words why the pattern may take far longer than the text is long; None: no reason is known.

    `(a+)+` and `(a|a)*` try exponentially many ways, so a repeated group may hold no choice and no repetition.
    """
    if len(pattern) > MOST_CHARACTERS:
        return f"has more than {MOST_CHARACTERS} characters"
    has_choice = [False]  # for each open group: it holds an alternative or a quantifier
    closed_with_choice = False  # of the group that ends right here
    before = ""
    for part in _PARTS.finditer(pattern):
        kind, text = str(part.lastgroup), part[0]
        if kind == "quantifier":
            if before in ("opening", "quantifier"):
                return "has a group or a quantifier of a rare kind"
            if closed_with_choice and not text.startswith("?"):
                return "repeats a group with choices"
            has_choice[-1] = True
        closed_with_choice = False
        if kind == "escape" and _REFERENCE.match(text):
            return "refers to another part of itself"
        if kind == "opening":
            has_choice.append(False)
        elif text == "[":
            return "has classes within classes"
        elif text == ")" and len(has_choice) > 1:
            closed_with_choice = has_choice.pop()
            has_choice[-1] |= closed_with_choice
        elif text == "|":
            has_choice[-1] = True
        before = kind
    return None
