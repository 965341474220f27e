"""The journal of all sessions: the traces of the last requests, and the usage counts if the user allows them."""

from dataclasses import dataclass

from lsp_server.telemetry.display_outcome import DisplayOutcome, NextEditKind
from lsp_server.telemetry.record import Record
from lsp_server.telemetry.traces import Traces
from lsp_server.telemetry.usage import Usage


@dataclass(frozen=True)
class EditorName:
    """The name and version that the editor gives itself."""

    name: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name or 'an editor'} {self.version}".rstrip()


class Journal:
    """Keeps the traces and the usage counts of a process, on its event loop. Without `usage` it counts nothing."""

    def __init__(self, usage: Usage | None = None) -> None:
        self.traces = Traces()
        self._usage = usage

    def note(self, record: Record, editor: EditorName, *, is_counted: bool) -> None:
        """Add the record of a request that has ended; `is_counted` is the user's setting."""
        self.traces.add(record, str(editor))
        if self._usage is not None and is_counted and record.kind == "completion":
            self._usage.count_completion(record, editor.name)

    def note_outcome(self, outcome: DisplayOutcome, editor: EditorName) -> None:
        """Count the outcome of a ghost text. The caller asks the user's setting first."""
        if self._usage is not None:
            self._usage.count_outcome(outcome, editor.name)

    def note_next_edit(self, kind: NextEditKind, language: str, editor: EditorName) -> None:
        """Count what became of a next edit. The caller asks the user's setting first."""
        if self._usage is not None:
            self._usage.count_next_edit(kind, language, editor.name)

    def close(self) -> None:
        """Write the counts that are not written yet."""
        if self._usage is not None:
            self._usage.close()
