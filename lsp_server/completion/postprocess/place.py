"""The text around the cursor, as the rules see it: all line ends are newlines."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from context.documents.snapshot import Snapshot
from lsp_server.completion.postprocess.lexing import Lexed, lex


@dataclass(frozen=True)
class Place:
    """A cursor in a document: `above` is all text before the cursor, `below` all text after it."""

    path: str
    language: str
    above: str
    below: str
    opening: int  # of the document

    @cached_property
    def before(self) -> str:
        """The cursor's line up to the cursor."""
        return self.above[self.above.rfind("\n") + 1 :]

    @cached_property
    def after(self) -> str:
        """The cursor's line from the cursor on."""
        return self.below.partition("\n")[0]

    @cached_property
    def lines_above(self) -> list[str]:
        """The lines above the cursor's line."""
        return self.above.split("\n")[:-1]

    @cached_property
    def lines_below(self) -> list[str]:
        """The lines below the cursor's line, from the first that is not blank."""
        lines = self.below.split("\n")[1:]
        return lines[next((index for index, line in enumerate(lines) if line.strip()), len(lines)) :]

    @cached_property
    def lexed_above(self) -> Lexed:
        """The brackets and the string that are open at the cursor."""
        return lex(self.above, self.language)

    @cached_property
    def lexed_whole(self) -> Lexed:
        """The brackets and the string that stay open in the document without the text."""
        return lex(self.above + self.below, self.language)


# A completion key asks for several texts, all of which are cleaned at one place.
@lru_cache(maxsize=1)
def place_of(snapshot: Snapshot) -> Place:
    """Return the cursor's place in its document."""
    document, cursor = snapshot.document, snapshot.cursor
    above, below = document.text[:cursor], document.text[cursor:]
    return Place(document.path, document.language, with_newlines(above), with_newlines(below), document.opening)


def with_newlines(text: str) -> str:
    """Replace all line ends by newlines."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
