"""An editor's screen, on which a document completion is displayed, typed and accepted."""

import itertools

from lsprotocol import types

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.completion.document_completion import DocumentCompletion
from lsp_server.completion.ghost_text.insertion import insertion_at
from lsp_server.telemetry.display_outcome import DisplayOutcome


class Screen:
    """A text with its cursor at "|", and the completions that the editor shows there."""

    def __init__(self, marked: str) -> None:
        before, after = marked.split("|")
        self.outcomes: list[DisplayOutcome] = []
        self.reports = False  # the editor reports acceptances
        self.items = DocumentCompletion(
            itertools.count(1), lambda ended: self.outcomes.append(ended.outcome()), lambda: self.reports
        )
        self.text, self.cursor = before + after, len(before)
        self.numbers: list[int] = []  # of what was displayed last

    def show(self, *texts: str, over: int = 0, given: str = "", typed_meanwhile: str = "") -> list[int]:
        """Display completions; a menu would put `given` over the last `over` characters."""
        snapshot = Snapshot(Document("a.py", self.text, "python", 1), self.cursor)
        now = self.text[: self.cursor] + typed_meanwhile + self.text[self.cursor :]
        line, column = snapshot.document.position_at(self.cursor)
        where = types.Range(types.Position(line, column - over), types.Position(line, column))
        selected = types.SelectedCompletionInfo(where, given) if given else None
        insertion = insertion_at(snapshot, selected, types.PositionEncodingKind.Utf32)
        numbers = self.items.display(insertion, texts, 12.5, now)
        self.text, self.cursor, self.numbers = now, self.cursor + len(typed_meanwhile), numbers
        return numbers

    def insert(self, text: str, over: int = 0) -> None:
        self.text = self.text[: self.cursor - over] + text + self.text[self.cursor :]
        self.cursor += len(text) - over
        self.items.follow(self.text)

    def accept(self, text: str, over: int = 0, candidate: int = 0) -> None:
        """Insert all of a completion, and report that it was accepted."""
        self.insert(text, over)
        self.items.accept(self.numbers[candidate])

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(outcome.kind, outcome.characters) for outcome in self.outcomes]
