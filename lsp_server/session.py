"""What is known about one editor's connection."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from context.snapshot import Snapshot
from lsp_server.documents import OpenDocuments
from lsp_server.positions import offset_of
from lsp_server.predictions import Predictions
from lsp_server.settings import Settings
from lsp_server.shown import ShownItems
from lsp_server.supersede import NewestOnly
from midspan import MidspanError, ModelError

if TYPE_CHECKING:  # the engine's module is loaded after `initialize` is answered
    from inference.any_engine import AnyEngine

StartEngine = Callable[[Settings], "AnyEngine"]


class Session:
    """Lives on the event loop alone."""

    def __init__(self, settings: Settings, start_engine: StartEngine) -> None:
        self.settings = settings
        self.encoding = types.PositionEncodingKind.Utf16
        self.roots: tuple[Path, ...] = ()
        self.documents = OpenDocuments()
        self.predictions: defaultdict[str, Predictions] = defaultdict(Predictions)
        self.requests = NewestOnly()
        self.shown = ShownItems()
        self._start_engine = start_engine
        self._engine: AnyEngine | None = None
        self._engine_error: MidspanError | None = None

    def start_engine(self) -> "AnyEngine":
        """Raises ModelError when the model is refused at once; what is wrong with its weights shows later."""
        try:
            self._engine = self._start_engine(self.settings)
        except MidspanError as error:
            self._engine_error = error
            raise
        return self._engine

    @property
    def engine(self) -> "AnyEngine":
        """The engine, ready or still loading. Raises ModelError when it cannot be used."""
        if self._engine is None:
            raise self._engine_error or ModelError("The model has not been started yet.")
        ready = self._engine.ready
        if ready.done() and (error := ready.exception()) is not None:
            raise ModelError(str(error))
        return self._engine

    def snapshot(self, uri: str, position: types.Position) -> Snapshot:
        """What the user sees now. Raises DocumentError when there is no such place to complete at."""
        document = self.documents.document(uri)
        self.documents.touch(uri)
        cursor = offset_of(document, position, self.encoding)
        return Snapshot(document, cursor, self.documents.others(uri))

    def forget(self, uri: str) -> None:
        """Ends what goes on for a document and forgets what is known about it."""
        self.requests.end(uri)
        self.predictions.pop(uri, None)
        self.documents.close(uri)
