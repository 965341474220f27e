"""Types fast into a terminal, and looks whether a frame ever shows what is not so."""

import random
import time
from collections.abc import Callable

from tests.e2e.neovim import WAIT_S
from tests.e2e.terminal import Terminal

GOAL = "x = first_word + second.word()"
# For serve_scripted.py: the rest of GOAL after each beginning of it.
ANSWERS = {GOAL[:length]: GOAL[length:] for length in range(4, len(GOAL))}
KEY_S = 1 / 20
_DURATION_S = 10


class Typist:
    """`text` gives what the editor has in its line."""

    def __init__(self, shown: Terminal, text: Callable[[], str]) -> None:
        self._shown = shown
        self._text = text
        self.typed = ""
        self.grey_frames = 0

    def type_at_random(self, clear: Callable[[], None]) -> None:
        """Ten seconds of what the ghost text says and of what it does not; `clear` presses keys that empty the line."""
        rng = random.Random(5)
        end = time.monotonic() + _DURATION_S
        while time.monotonic() < end:
            right = rng.randrange(5, len(GOAL) - 1)
            self.type(GOAL[:4])
            self.wait_for(GOAL)
            self.type(GOAL[4:right])
            self.type("".join(rng.choices("qzj", k=20)))
            self.until(lambda: self._text() == self.typed)
            clear()
            self.typed = ""
            self.until(lambda: self._text() == "")

    def type(self, text: str) -> None:
        for character in text:
            began = time.monotonic()
            self._shown.type(character)
            self.typed += character
            while time.monotonic() < began + KEY_S:
                self._check()

    def wait_for(self, text: str) -> None:
        self.until(lambda: any(line.rstrip() == text for line in self._shown.screen()))

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, "\n".join(self._shown.screen())
            time.sleep(0.02)

    def _check(self) -> None:
        """A terminal may be some keys behind, but what it shows was the text, or the text with what was answered."""
        line = self._shown.screen()[0].rstrip()
        self.grey_frames += line == GOAL
        assert line == GOAL or self.typed.startswith(line), f"{line!r} while {self.typed!r} was typed"
