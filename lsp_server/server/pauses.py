"""The pauses that a session makes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pauses:
    """The seconds of each pause."""

    # Between two looks at the files of settings. Each keystroke asks, but a slow disk is read less often.
    settings_s: float = 2.0
    # Between a keystroke and look-ahead. A user who goes on typing does not read, so nothing is begun in between.
    reading_s: float = 0.1
    # Between a keystroke and the exact suffix. It takes longer than an answer, so that the user has to rest first.
    resting_s: float = 0.5
    # Between a keystroke and the search for next edits: the user pauses in editing.
    editing_s: float = 0.15
