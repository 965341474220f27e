"""The members behind the names of modules and objects, and what tells one form of them from another."""

import re

from context.documents.document import Document

_MEMBER = re.compile(r"\.\w+\(?")


def member_behind(document: Document, end: int) -> str:
    """Return the dot and the name behind a name, with the bracket of a call."""
    match = _MEMBER.match(document.text, end)
    return match[0] if match else ""


def form_of(member: str) -> tuple[bool, bool, bool]:
    """Return what tells a function, a class and a constant apart."""
    return member.isupper(), member[1:2].isupper(), member.endswith("(")
