"""The judgement of what is shown at a pause, and the figures of many pauses."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

Verdict = Literal["right", "harmless", "wrong"]


@dataclass(frozen=True)
class Pause:
    """A pause of the typist: the new text on the screen, its verdict, and the keys that accepting it has saved.

    `is_gone` tells that the next key takes the text from the screen.
    """

    verdict: Verdict | None = None  # None: nothing is shown that was not there before
    saved_keys: int = 0
    is_gone: bool = False


def judge(shown: str, coming: str, next_pause: int) -> Verdict:
    """Judge a text against what the typist is about to type: `coming`, whose first `next_pause` characters come next.

    The text is right when all of it comes, to the end of the line or to the next pause at least. It is harmless when it
    begins as what comes: up to the next pause, or with all that it has.
    """
    shown = shown.rstrip()
    if not shown:
        return "wrong"
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(shown, coming, strict=False)))
    reaches = same >= max(1, len(coming[:next_pause].rstrip()))
    if same == len(shown):
        return "right" if reaches else "harmless"
    return "harmless" if reaches else "wrong"


def figures_of(pauses: Sequence[Pause], lines: int, typed_characters: int) -> dict[str, float]:
    """Return the figures of a repository, or of all. `typed_characters` are all that the lines have."""
    shown = [pause for pause in pauses if pause.verdict is not None]
    counts = {verdict: sum(pause.verdict == verdict for pause in shown) for verdict in ("right", "harmless", "wrong")}
    saved = sum(pause.saved_keys for pause in pauses)
    return {
        "lines": lines,
        "pauses": len(pauses),
        "shown": len(shown),
        **counts,
        "shown_rate": _share(len(shown), len(pauses)),
        "right_of_shown": _share(counts["right"], len(shown)),
        "saved_per_100": round(100 * saved / typed_characters, 2) if typed_characters else 0.0,
        "flicker": _share(sum(pause.is_gone for pause in shown), len(shown)),
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
