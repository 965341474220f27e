"""What is kept of the requests of all sessions: the last traces, and counts where the user lets them be counted."""

from dataclasses import dataclass

from lsp_server.telemetry.display_outcome import DisplayOutcome
from lsp_server.telemetry.record import Record
from lsp_server.telemetry.traces import Traces
from lsp_server.telemetry.usage import Usage


@dataclass(frozen=True)
class EditorName:
    """As the editor calls itself."""

    name: str = ""
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name or 'an editor'} {self.version}".rstrip()


class Journal:
    """Lives on the event loop alone. Without `usage` nothing is counted."""

    def __init__(self, usage: Usage | None = None) -> None:
        self.traces = Traces()
        self._usage = usage

    def note(self, record: Record, editor: EditorName, *, is_counted: bool) -> None:
        """A request has ended."""
        self.traces.add(record, str(editor))
        if self._usage is not None and is_counted and record.kind == "completion":
            self._usage.count_completion(record, editor.name)

    def note_outcome(self, outcome: DisplayOutcome, editor: EditorName) -> None:
        """It is known what became of a ghost text, and it may be counted."""
        if self._usage is not None:
            self._usage.count_outcome(outcome, editor.name)

    def close(self) -> None:
        """Writes what is not written yet."""
        if self._usage is not None:
            self._usage.close()
