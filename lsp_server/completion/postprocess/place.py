"""The text around the cursor, as the rules look at it: line ends are newlines."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from context.documents.snapshot import Snapshot
from lsp_server.completion.postprocess.lexing import Lexed, lex


@dataclass(frozen=True)
class Place:
    """`above` is all before the cursor, `below` all after it."""

    language: str
    above: str
    below: str

    @cached_property
    def before(self) -> str:
        """Of the cursor's line."""
        return self.above[self.above.rfind("\n") + 1 :]

    @cached_property
    def after(self) -> str:
        """Of the cursor's line."""
        return self.below.partition("\n")[0]

    @cached_property
    def lines_above(self) -> list[str]:
        """Without the cursor's line."""
        return self.above.split("\n")[:-1]

    @cached_property
    def lines_below(self) -> list[str]:
        """From the first line below the cursor's that is not blank."""
        lines = self.below.split("\n")[1:]
        return lines[next((index for index, line in enumerate(lines) if line.strip()), len(lines)) :]

    @cached_property
    def lexed_above(self) -> Lexed:
        """What is open at the cursor."""
        return lex(self.above, self.language)


# A key has several texts cleaned at one place.
@lru_cache(maxsize=1)
def place_of(snapshot: Snapshot) -> Place:
    """The cursor's place in its document."""
    text, cursor = snapshot.document.text, snapshot.cursor
    return Place(snapshot.document.language, with_newlines(text[:cursor]), with_newlines(text[cursor:]))


def with_newlines(text: str) -> str:
    """For whatever line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
