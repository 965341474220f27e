"""The kinds of actions, as clients filter by them."""

from collections.abc import Iterable

BODY = "refactor.rewrite.midspan.body"
BLOCK = "refactor.rewrite.midspan.block"
DOCSTRING = "refactor.rewrite.midspan.docstring"
BRANCH = "refactor.rewrite.midspan.branch"
IMPORT = "quickfix.midspan.import"
FIX = "quickfix.midspan.fix"
EDIT = "refactor.rewrite.midspan.edit"
TESTS = "source.midspan.tests"
EXPLAIN = "source.midspan.explain"
REVIEW = "source.midspan.review"

HOLE_KINDS = (BODY, BLOCK, DOCSTRING, BRANCH)
CHAT_KINDS = (FIX, EDIT, TESTS, EXPLAIN, REVIEW)
ALL = (*HOLE_KINDS, IMPORT, *CHAT_KINDS)


def is_wanted(kind: str, only: Iterable[str] | None) -> bool:
    """Whether a client that filters so asks for the kind: "refactor" stands for all that begin with it."""
    return only is None or any(not wanted or f"{kind}.".startswith(f"{wanted}.") for wanted in only)
