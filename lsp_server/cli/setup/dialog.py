"""The words of setup to its user, and the user's answers."""

import sys
from collections.abc import Mapping
from typing import TypeVar

from midspan.visible_text import visible_text

T = TypeVar("T")


class Dialog:
    """Prints to stdout. Without questions, the user agrees to all."""

    def __init__(self, *, asks: bool) -> None:
        self._asks = asks

    def say(self, text: str = "") -> None:
        """Print lines."""
        print(visible_text(text), flush=True)

    def show(self, text: str) -> None:
        """Print lines that are indented, so that they stand apart."""
        self.say("\n".join(f"  {line}".rstrip() for line in text.splitlines()))

    def agrees(self, question: str) -> bool:
        """Ask until the answer is yes, which Enter alone says too, or no."""
        return self._ask(f"{question} [Y/n]", {"": True, "y": True, "yes": True}) or False

    def choose(self, question: str, count: int) -> int | None:
        """Ask for a number from 1 on, which Enter says to be 1, and return its index; None for a no."""
        numbers = {str(index + 1): index for index in range(count)}
        return self._ask(f"{question} [{'/'.join(numbers)}/n, Enter: 1]", {"": 0, "y": 0} | numbers)

    def _ask(self, question: str, answers: Mapping[str, T]) -> T | None:
        """Ask until the answer is among these, or no, which is None. The end of the input is a no."""
        if not self._asks:
            return answers[""]
        while True:
            print(f"{visible_text(question)} ", end="", flush=True)
            line = sys.stdin.readline()
            if not line:
                self.say()
            answer = line.strip().lower()
            if not line or answer in ("n", "no"):
                return None
            if answer in answers:
                return answers[answer]
