"""The beginning of a text that is likely enough right to be shown unasked."""

import math
import re
from collections.abc import Sequence

from context.documents.snapshot import Snapshot
from lsp_server.completion.confidence.confidence_table import ConfidenceTable, Place
from lsp_server.settings.values import Eagerness

# A text may end behind these, where a typist looks up anyway, and at the end of a line.
_STOP = re.compile(
    r"[.(\[{,\n]|(?<![=!<>:+*/|&-])=(?![=>])|::?(?![:=])|(?:[-+*/<>&|?]|[-=]>|[=!]==?) "
    r"|\b(?:return|not|if|and|or|in|is|await|raise|throw|new|const|let|def|func|fn) "
)

_COST = 0.4  # of a key that may be wrong, in saved keys; 0 to 0.5 save about the same, and 0.4 is right more often

Written = Sequence[tuple[int, float]]


def sure_beginning(
    text: str, raw: str, written: Written, snapshot: Snapshot, table: ConfidenceTable, eagerness: Eagerness
) -> str:
    """Return the beginning of a cleaned text to show unasked, "" when none is likely enough right.

    `raw` is the text as the model wrote it, and `written` its tokens: the characters up to each end, and the
    log-probability.
    """
    place = place_of_cursor(snapshot)
    beginnings = [
        (beginning, table.chance(place, probability)) for beginning, probability in beginnings_of(text, raw, written)
    ]
    return best_beginning(beginnings, table.least[eagerness])


def best_beginning(beginnings: Sequence[tuple[str, float]], least_chance: float) -> str:
    """Return the text that saves the most keys on average, of those whose chance is the least or better, or "".

    A wrong end costs its reader something, so a longer text has to be worth it.
    """
    likely = [((chance - _COST) * _saved_keys(text), text) for text, chance in beginnings if chance >= least_chance]
    return max(likely, key=lambda found: found[0], default=(0.0, ""))[1]


def beginnings_of(text: str, raw: str, written: Written) -> list[tuple[str, float]]:
    """Return the beginnings that may be shown, each with the model's probability, the shortest first.

    A text that cleaning has changed, and not only cut, is shown whole or not at all.
    """
    text = text.rstrip()
    if not raw.startswith(text):
        found = [(text, math.exp(sum(logprob for _, logprob in written)))]
    else:
        found = [(text[:end], math.exp(logprob_up_to(end, written))) for end in stops_in(text)]
    return [(beginning, probability) for beginning, probability in found if _saved_keys(beginning) > 0]


def _saved_keys(text: str) -> int:
    """Count the keys that accepting the text saves, which takes a key itself. Indentation is no key."""
    keys = sum(len(line.strip()) + 1 for line in text.strip().split("\n")) - 1  # the last line end is not typed
    return keys - 1


def place_of_cursor(snapshot: Snapshot) -> Place:
    """Return the kind of the cursor's place: models are not equally good at all of them."""
    before = _line_before(snapshot)
    if not before.strip():
        return "start"
    return "word" if before[-1].isalnum() or before[-1] == "_" else "inside"


def stops_in(text: str) -> list[int]:
    """Return the offsets at which a shown text may end, without blanks before them."""
    ends = {len(text[: found.end()].rstrip()) for found in _STOP.finditer(text)} | {len(text)}
    return sorted(ends - {0})


def logprob_up_to(end: int, written: Written) -> float:
    """Return the log-probability of the tokens that hold the characters before `end`."""
    total, begins = 0.0, 0
    for token_end, logprob in written:
        if begins >= end:
            break
        total, begins = total + logprob, token_end
    return total


def _line_before(snapshot: Snapshot) -> str:
    text, cursor = snapshot.document.text, snapshot.cursor
    return text[max(text.rfind("\n", 0, cursor), text.rfind("\r", 0, cursor)) + 1 : cursor]
