"""The ranking of next edits: which are worth showing, and which comes first."""

import math
from collections.abc import Iterable, Sequence

from context.documents.edits import Edit
from lsp_server.next_edit.edit_state import EditState
from lsp_server.next_edit.next_edit import NextEdit, Source

MOST_EDITS = 3  # that a client is offered at once
# An edit of lower confidence is shown to a key alone. So is each one of a model that was not trained for next edits:
# its confidence does not part right from wrong.
_SHOWN_FROM = {Source.RULE: 0.6, Source.TRAINED_MODEL: 0.6, Source.ANY_MODEL: math.inf}
# The share of its confidence that an edit loses by its place.
_MOST_LOSS_HERE, _LOSS_OF_OPEN, _LOSS_OF_CLOSED = 0.1, 0.15, 0.2
_FAR_LINES = 4096


def rank(edits: Iterable[NextEdit], state: EditState, *, is_unsure_shown: bool) -> list[NextEdit]:
    """Return the edits that are worth showing, the best first: by source, then by confidence and distance.

    `is_unsure_shown` lets edits of low confidence be shown too. One that changes nothing, or that takes back what the
    user has just typed, never is.
    """
    kept = [
        edit
        for edit in edits
        if edit.text != edit.replaced
        and (is_unsure_shown or edit.confidence >= _SHOWN_FROM[edit.source])
        and not takes_back(edit, state.edits)
    ]
    ranked = sorted(_without_doubles(kept), key=lambda edit: (edit.source, -edit.confidence * (1 - _loss(edit, state))))
    return _with_another(ranked)


def _with_another(edits: Sequence[NextEdit]) -> list[NextEdit]:
    """Return the edits with another change in the third place, if the first two are one change and another is sure.

    The rest of the one change follows from the places that are shown, one after the other.
    """
    first, others = edits[: MOST_EDITS - 1], edits[MOST_EDITS - 1 :]
    changes = {(edit.replaced, edit.text) for edit in first}
    another = [
        edit
        for edit in others
        if (edit.replaced, edit.text) not in changes
        and edit.source == first[0].source
        and edit.confidence >= _SHOWN_FROM[edit.source]
    ]
    third = another[:1] if len(changes) == 1 else []
    return [*first, *third, *(edit for edit in others if edit not in third)]


def takes_back(edit: NextEdit, recent: Sequence[Edit]) -> bool:
    """Return whether the edit writes only what stood there before the user's own last change of these lines."""
    document, changed = edit.document, edit.changed
    start, end, text = edit.least
    first, last = document.position_at(start)[0], document.position_at(end)[0]
    last_changed = changed.position_at(start + len(text))[0]
    before, after = document.lines[first : last + 1], changed.lines[first : last_changed + 1]
    for done in recent:
        if done.path != document.path or not _overlap(done, first, last):
            continue
        removed, written = _without_shared(before, after)
        is_typed = all(line in done.new_lines for line in removed)
        was_there = all(line in done.old_lines and line not in done.new_lines for line in written)
        if (removed or written) and is_typed and was_there:
            return True
    return False


def _overlap(done: Edit, first: int, last: int) -> bool:
    return done.first_line <= last and first < done.first_line + max(1, len(done.new_lines))


def _without_shared(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines that only the first has, and those that only the second has."""
    return [line for line in before if line not in after], [line for line in after if line not in before]


def _without_doubles(edits: Iterable[NextEdit]) -> list[NextEdit]:
    """Return the edits without those that another one, of a surer source or confidence, says too."""
    surest = sorted(edits, key=lambda edit: (edit.source, -edit.confidence))
    return list({(edit.document.path, *edit.least): edit for edit in reversed(surest)}.values())


def _loss(edit: NextEdit, state: EditState) -> float:
    """Return the share of its confidence that the edit loses by its distance from the cursor.

    A place above the cursor counts as twice as far, so a chain goes down a file and then on from its beginning.
    """
    here = state.snapshot
    if edit.document.path == here.document.path:
        lines = edit.first_line - here.document.position_at(here.cursor)[0]
        distance = min(_FAR_LINES, 2 * -lines if lines < 0 else lines)
        return _MOST_LOSS_HERE * math.log1p(distance) / math.log1p(_FAR_LINES)
    is_open = any(document.path == edit.document.path for document in here.open_documents)
    return _LOSS_OF_OPEN if is_open else _LOSS_OF_CLOSED
