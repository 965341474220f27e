"""What is kept of the requests of all sessions."""

from lsp_server.record import Record
from lsp_server.traces import Traces


class Journal:
    """Lives on the event loop alone."""

    def __init__(self) -> None:
        self.traces = Traces()

    def note(self, record: Record, editor: str) -> None:
        """A request has ended."""
        self.traces.add(record, editor)
