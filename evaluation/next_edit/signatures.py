"""The functions of a file with their parameters, and the calls that a word stands in, by its words alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.next_edit.words import Word

_DEFINES = {"def", "func", "function"}
_NO_FUNCTIONS = {"if", "for", "while", "switch", "catch", "return", "await", "super", "elif", "and", "or", "not", "in"}
_MODIFIERS = {"public", "private", "protected", "readonly"}
_CONSTRUCTORS = {"__init__", "__new__", "constructor"}
_OPENING, _CLOSING = {"(", "[", "{"}, {")", "]", "}"}
_MOST_OF_TYPE = 14
_MOST_OF_RECEIVER = 12
_MOST_AROUND = 400  # words: no call is longer


@dataclass(frozen=True)
class Function:
    """A function's header, from `line` to `last_line`. A constructor is called by the name of its class."""

    called: str
    parameters: tuple[str, ...]
    line: int
    last_line: int


def functions_in(words: Sequence[Word]) -> tuple[Function, ...]:
    """Return the functions and methods of a file."""
    found = []
    in_class = ""
    for index, word in enumerate(words):
        if word.kind != "name":
            continue
        previous = words[index - 1].text if index else ""
        if previous == "class":
            in_class = word.text
        opening = _opening_of(words, index, previous)
        closing = _closing_of(words, opening) if opening else None
        if closing is None or not _is_header(words, index, closing):
            continue
        called = in_class if word.text in _CONSTRUCTORS else word.text
        assert opening is not None
        parameters = _parameters(words[opening + 1 : closing])
        found.append(Function(called, parameters, word.line, words[closing].line))
    return tuple(found)


def callee_before(words: Sequence[Word], index: int, name: str) -> int | None:
    """Return the index of the bracket that opens the innermost call of `name` around `index`; None: in no such call."""
    depth = 0
    for at in range(index - 1, max(1, index - _MOST_AROUND), -1):
        word = words[at]
        if word.kind != "mark":
            continue
        if word.text in _CLOSING:
            depth += 1
        elif word.text in _OPENING and depth:
            depth -= 1
        elif word.text == "(" and words[at - 1].text == name:
            return at if at < 2 or words[at - 2].text not in {*_DEFINES, "class"} else None
    return None


def _opening_of(words: Sequence[Word], index: int, previous: str) -> int | None:
    """Return the index of the bracket that may open the parameters of the function named at `index`."""
    following = [word.text for word in words[index + 1 : index + 4]]
    if words[index].text in _NO_FUNCTIONS or previous == ".":
        return None
    if following[:1] == ["("]:
        return index + 1
    if following[:2] == ["=", "("] or following == ["=", "async", "("]:
        return index + 1 + following.index("(")
    if following[:1] and following[0] in "<[" and previous in (*_DEFINES, ")"):  # type parameters
        return next((at for at in range(index + 2, min(len(words), index + 40)) if words[at].text == "("), None)
    return None


def _closing_of(words: Sequence[Word], opening: int) -> int | None:
    depth = 0
    for at in range(opening, min(len(words), opening + _MOST_AROUND)):
        if words[at].kind == "mark":
            depth += (words[at].text in _OPENING) - (words[at].text in _CLOSING)
            if not depth:
                return at
    return None


def _is_header(words: Sequence[Word], index: int, closing: int) -> bool:
    """Return whether the brackets behind the name at `index` are a definition's and not a call's."""
    previous = words[index - 1].text if index else ""
    behind = [word.text for word in words[closing + 1 : closing + _MOST_OF_TYPE]]
    if previous in _DEFINES:
        return True
    if previous == ")" and is_receiver(words, index - 1):  # Go
        return True
    if behind[:1] == [":"]:  # TypeScript: the type of the result
        behind = behind[next((at for at, text in enumerate(behind) if text in "{=;,)"), len(behind)) :]
    return behind[:1] == ["{"] or behind[:2] == ["=", ">"]


def is_receiver(words: Sequence[Word], closing: int) -> bool:
    """Return whether the bracket closes the receiver of a method in Go."""
    opening = next((at for at in range(closing, max(0, closing - _MOST_OF_RECEIVER), -1) if words[at].text == "("), 0)
    return opening > 0 and words[opening - 1].text == "func"


def _parameters(words: Sequence[Word]) -> tuple[str, ...]:
    names: list[str] = []
    depth, is_named = 0, False
    for word in words:
        if word.kind == "mark":
            depth += (word.text in _OPENING) - (word.text in _CLOSING)
            if word.text == "," and not depth:
                is_named = False
        elif word.kind == "name" and not is_named and not depth and word.text not in _MODIFIERS:
            names.append(word.text)
            is_named = True
    return tuple(names)
