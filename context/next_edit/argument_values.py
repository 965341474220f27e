"""The value of a new parameter at a call: what other calls were given, or a variable or member of its name."""

import re
from dataclasses import dataclass

from context.documents.document import Document
from context.next_edit.calls.functions import Parameter
from context.next_edit.names.language_names import is_of_language
from context.next_edit.names.occurrences import TARGETS, Occurrence, Role
from context.next_edit.names.resolve_names import find_names, has_word
from context.next_edit.workspace.imported_names import is_of_module

_OF_ITS_NAME = 0.85  # the share of such values that are right
_OPTIONAL_MEMBER = 0.55  # `self.name` for a parameter that has a default
_GIVEN_BEFORE, _OPTIONAL_GIVEN_BEFORE = 0.75, 0.45  # a parameter with a default seldom gets the value of another call
_TO_BE_DEFINED = 0.6
_LITERAL = re.compile(r"""-?\d[\w.]*|"[^"\\\n]*"|'[^'\\\n]*'|True|False|None|true|false|nil|null|undefined""")
_CHAIN = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
_OWNERS = frozenset({"self", "this", "cls"})


@dataclass(frozen=True)
class Value:
    """The text that the user gave the parameter in a call, by its name or not, and the document of that call."""

    text: str
    document: Document
    is_named: bool


def find_value(
    document: Document, place: Occurrence, gained: Parameter, given: Value | None, *, is_needed: bool
) -> tuple[str, float] | None:
    """Return what stands for a new parameter at a place, and the share of such values that are right.

    `is_needed`: the call fails without it. A name of which the function around the call knows will be a variable there.
    """
    value = _of_its_name(document, place, gained.name, gained.has_default)
    if value is not None:
        is_optional_member = gained.has_default and value.startswith("self.")
        return value, _OPTIONAL_MEMBER if is_optional_member else _OF_ITS_NAME
    if given is None:
        is_there = is_needed and has_word(_function_around(document, place), gained.name)
        return (gained.name, _TO_BE_DEFINED) if is_there else None
    if _LITERAL.fullmatch(given.text) or _is_known(given, document, place):
        return given.text, _OPTIONAL_GIVEN_BEFORE if gained.has_default else _GIVEN_BEFORE
    # The function around the call will get a parameter of the same name, as those around the other calls did.
    is_named = given.text == gained.name and gained.is_by_name and not gained.has_default
    return (given.text, _TO_BE_DEFINED) if is_named else None


def _is_known(given: Value, document: Document, place: Occurrence) -> bool:
    """Return whether the names of a value mean the same at another place."""
    if not _CHAIN.fullmatch(given.text):
        return False
    first = given.text.partition(".")[0]
    if first in _OWNERS:
        return document.path == given.document.path and any("class" in scope.kind for scope in place.scopes)
    return _is_bound(document, place, first) or is_of_language(first, document.language)


def _is_bound(document: Document, place: Occurrence, name: str) -> bool:
    """Return whether a scope around the place binds the name before it, or its file does."""
    names = find_names(document, (name,))
    for one, home in names.homes.items() if names is not None else ():
        if home is None or not one.is_target or one.role not in TARGETS:
            continue
        if home in place.scopes and (home.kind != "class") and (one.start < place.start or is_of_module(home)):
            return True
    return False


def _of_its_name(document: Document, place: Occurrence, name: str, has_default: bool) -> str | None:
    """Return what stands for a parameter of this name at a place: a variable of its name; None where there is none."""
    names = find_names(document, (name,))
    if document.language == "go" and (names is None or not any(one.role == Role.BINDING for one in names.homes)):
        name = name[0].lower() + name[1:]  # the field `Size` of a variable `size`
    if _is_bound(document, place, name):
        return name
    if document.language == "python":
        member = next((one for one in (name, f"_{name}") if _is_member(document, place, one)), None)
        if member is not None:
            return f"self.{member}"
    return _named_beside(document, place, name) if not has_default else None


def _is_member(document: Document, place: Occurrence, name: str) -> bool:
    """Return whether the class around the place gives a member of this name its value."""
    names = find_names(document, (name,))
    classes = [scope for scope in place.scopes if scope.kind == "class"]
    return names is not None and any(
        home in classes and one.role == Role.ATTRIBUTE and one.is_target for one, home in names.homes.items()
    )


def _named_beside(document: Document, place: Occurrence, name: str) -> str | None:
    """Return the one expression `….name` that the function of the place uses too; None where there is none."""
    text = _function_around(document, place)
    found = set(re.findall(rf"(?<![\w.)\]])((?:\w+\.)+{re.escape(name)})(?![\w(=.])", text))
    return found.pop() if len(found) == 1 else None


def _function_around(document: Document, place: Occurrence) -> str:
    """Return the text of the innermost function around a place, "" outside of functions."""
    inner = next((scope for scope in place.scopes if scope.kind not in ("class", "module", "program")), None)
    if inner is None or is_of_module(inner):
        return ""
    return document.text.encode()[inner.start : inner.end].decode(errors="replace")
