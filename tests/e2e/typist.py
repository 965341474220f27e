"""A typist presses keys fast, and checks that no frame of the terminal shows text that is out of date."""

import random
import time
from collections.abc import Callable

from tests.e2e.terminal import Terminal

GOAL = "x = first_word + second.word()"
# For serve_scripted.py: the rest of GOAL after each beginning of it.
ANSWERS = {GOAL[:length]: GOAL[length:] for length in range(4, len(GOAL))}
KEY_S = 1 / 20
ROUNDS = 6


class Typist:
    """A user who types into the first line of a terminal; `ghost_frames` counts the frames that showed ghost text."""

    def __init__(self, shown: Terminal) -> None:
        self._shown = shown
        self._typed = ""
        self._shown_keys = 0
        self.ghost_frames = 0

    def type_at_random(self, clear: Callable[[], None]) -> None:
        """Type what the ghost text says and then something else, ROUNDS times; `clear` presses keys that empty the
        line.
        """
        rng = random.Random(5)
        for _ in range(ROUNDS):
            right = rng.randrange(5, len(GOAL) - 1)
            self._type(GOAL[:4])
            self._see(GOAL)
            self._type(GOAL[4:right])
            self._type("".join(rng.choices("qzj", k=20)))
            self._see(self._typed)
            self._clear(clear)

    def _type(self, text: str) -> None:
        for character in text:
            end = time.monotonic() + KEY_S
            self._shown.type(character)
            self._typed += character
            self._look()
            while time.monotonic() < end:
                self._look()

    def _see(self, line: str) -> None:
        """Wait until the terminal shows the line, with the cursor behind all that was typed."""
        self._shown.until(lambda: self._look() == (line, len(self._typed)), f"{line!r} is not shown")

    def _clear(self, clear: Callable[[], None]) -> None:
        """Wait until the terminal itself shows an empty line: no later frame is one of this round."""
        clear()

        def is_clear() -> bool:
            line = self._shown.frame().lines[0]
            assert line in (self._typed, ""), f"{line!r} while {self._typed!r} was taken away"
            return line == ""

        self._shown.until(is_clear, "the line is not cleared")
        self._typed, self._shown_keys = "", 0

    def _look(self) -> tuple[str, int] | None:
        """Check one frame, and return its first line and the cursor's column; None while the frame is being drawn.

        The terminal may be some keys behind, but never goes back. The keys that it shows stand before its cursor;
        behind the cursor stands the rest of GOAL after a beginning of GOAL, or nothing.
        """
        frame = self._shown.frame()
        if frame.cursor is None or frame.cursor[1] != 0:
            return None
        line, column = frame.lines[0], frame.cursor[0]
        written, ghost = line[:column].ljust(column), line[column:]  # a frame has no spaces at the ends of its lines
        told = f"{line!r} with the cursor in column {column} while {self._typed!r} was typed"
        assert self._typed[:column] == written, told
        assert column >= self._shown_keys, f"{told}: {self._shown_keys} keys were shown before"
        assert not ghost or written + ghost == GOAL, told
        self._shown_keys = column
        self.ghost_frames += bool(ghost)
        return line, column
