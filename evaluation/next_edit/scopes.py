"""The functions of a file with the lines of their bodies, and the names that each defines, by words and indentation."""

import re
from collections.abc import Sequence

from evaluation.next_edit.signatures import Function, is_receiver
from evaluation.next_edit.words import Word

_BEFORE_DEFINITION = re.compile(r"def|class|func|function|const|let|var|type|interface|enum|import|as|for")
_IMPORTS = {"import", "as"}
_MODIFIERS = {"readonly", "private", "public", "protected", "static", "#"}
_OWNERS = {"self", "this"}
_CLOSING = (")", "]", "}")

# The lines of a function, its header included, from the first up to the one behind the last; None: outside of all.
Scope = tuple[int, int] | None


def scopes_in(lines: Sequence[str], functions: Sequence[Function]) -> tuple[tuple[int, int], ...]:
    """Return the lines of each function: its header, and what is indented deeper below."""
    return tuple((function.line, _end_of(lines, function)) for function in functions)


def scope_at(scopes: Sequence[tuple[int, int]], line: int) -> Scope:
    """Return the innermost function around a line."""
    around = [scope for scope in scopes if scope[0] <= line < scope[1]]
    return max(around, default=None)


def is_defined_at(words: Sequence[Word], index: int) -> bool:
    """Return whether the name stands where names are defined: behind `def`, before `=`, as a member of self."""
    before = words[index - 1].text if index else ""
    after = tuple(word.text for word in words[index + 1 : index + 3])
    is_assigned = after == (":", "=") or (after[:1] == ("=",) and after != ("=", "="))
    if _BEFORE_DEFINITION.fullmatch(before):
        return True
    if before == ")":  # Go: a method stands behind its receiver
        return after[:1] == ("(",) and is_receiver(words, index - 1)
    if before in ("(", ","):
        return after[:1] == (":",)  # a parameter with its type; without one it may be an argument
    if before == ".":
        return is_assigned and index > 1 and words[index - 2].text in _OWNERS
    starts_line = not index or words[index - 1].line < words[index].line
    is_field = after[:1] == (":",) and (before in _MODIFIERS or starts_line)
    return is_assigned or is_field


def is_local_at(words: Sequence[Word], index: int) -> bool:
    """Return whether a name that is defined here means something in its function alone, unlike one of a class."""
    before = words[index - 1].text if index else ""
    return before not in {".", "def", "func", "function", "class", ")", "interface", "enum", "#"}


def definitions_in(
    words: Sequence[Word], scopes: Sequence[tuple[int, int]], functions: Sequence[Function]
) -> frozenset[tuple[str, Scope]]:
    """Return the names that are defined in each function and, for members and what is outside, in None.

    What is imported is defined elsewhere.
    """
    found: set[tuple[str, Scope]] = set()
    for scope, function in zip(scopes, functions, strict=True):
        found |= {(name, scope) for name in function.parameters}
    for index, word in enumerate(words):
        if word.kind != "name" or not is_defined_at(words, index):
            continue
        if index and words[index - 1].text in _IMPORTS:
            continue
        found.add((word.text, scope_at(scopes, word.line) if is_local_at(words, index) else None))
    return frozenset(found)


def _end_of(lines: Sequence[str], function: Function) -> int:
    indentation = _indentation(lines[function.line])
    for number in range(function.last_line + 1, len(lines)):
        line = lines[number].strip()
        if line and _indentation(lines[number]) <= indentation:
            return number + line.startswith(_CLOSING)
    return len(lines)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())
