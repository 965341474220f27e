"""The input of a model that was trained for next edits, whichever form it was trained in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from inference.api import ContextFile, IsOver, Prompt


@dataclass(frozen=True)
class TextChange:
    """A recent change of one place: the lines before it, and after it, where these stand; lines count from 1."""

    path: str
    before: str
    after: str
    first_line: int


@dataclass(frozen=True)
class EditWindow:
    """Some lines of a file around the cursor, which the model writes anew, and what it knows beside them.

    `before` are the same lines without the user's last change, `current` as they stand; each line has a newline.
    `cursor` is an offset in `current`. `above` and `below` are the text around the window, `first_line` counts from 1.
    The oldest of the `changes` comes first.
    """

    path: str
    first_line: int
    before: str
    current: str
    cursor: int
    above: str
    below: str
    changes: tuple[TextChange, ...] = ()
    files: tuple[ContextFile, ...] = ()

    @property
    def last_line(self) -> int:
        return self.first_line + self.current.count("\n") - 1


@dataclass(frozen=True)
class EditPrompt:
    """A prompt for the window, and `read`, which makes the new window of a whole output; None: no edit is in it.

    `is_over` ends the output of a model that does not end it by itself.
    """

    prompt: Prompt
    read: Callable[[str], str | None]
    is_over: IsOver | None = None


@runtime_checkable
class EditingEngine(Protocol):
    """An engine whose model writes windows anew, and may have been trained for that."""

    @property
    def edit_window_lines(self) -> tuple[int, int] | None:
        """The lines above and below the cursor that its model writes anew; None: it was not trained for next edits."""

    def edit_prompt(self, window: EditWindow) -> EditPrompt:
        """Make the prompt, in the form that the model was trained in or, for any other, as plain text."""
