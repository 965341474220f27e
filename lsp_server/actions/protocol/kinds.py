"""The kinds of code actions, by which clients filter."""

from collections.abc import Iterable

BODY = "refactor.rewrite.midspan.body"
BLOCK = "refactor.rewrite.midspan.block"
DOCSTRING = "refactor.rewrite.midspan.docstring"
BRANCH = "refactor.rewrite.midspan.branch"
IMPORT = "quickfix.midspan.import"
FIX = "quickfix.midspan.fix"
EDIT = "refactor.rewrite.midspan.edit"
TESTS = "refactor.midspan.tests"
EXPLAIN = "refactor.midspan.explain"
REVIEW = "refactor.midspan.review"

HOLE_KINDS = (BODY, BLOCK, DOCSTRING, BRANCH)
CHAT_KINDS = (FIX, EDIT, TESTS, EXPLAIN, REVIEW)
ALL_KINDS = (*HOLE_KINDS, IMPORT, *CHAT_KINDS)


def is_wanted(kind: str, only: Iterable[str] | None) -> bool:
    """Return whether a client with this filter wants the kind: "refactor" stands for all kinds below it."""
    return only is None or any(not wanted or f"{kind}.".startswith(f"{wanted}.") for wanted in only)
