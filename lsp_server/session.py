"""What is known about one editor's connection."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from context.snapshot import Snapshot
from lsp_server.documents import OpenDocuments
from lsp_server.engines import Engines, key_of
from lsp_server.positions import offset_of
from lsp_server.predictions import Predictions
from lsp_server.settings import Settings
from lsp_server.shown import ShownItems
from lsp_server.supersede import NewestOnly
from midspan import ModelError

if TYPE_CHECKING:  # the engine's module is loaded after `initialize` is answered
    from inference.any_engine import AnyEngine


class Session:
    """Lives on the event loop alone."""

    def __init__(self, settings: Settings, engines: Engines, notice: "Callable[[AnyEngine], None]") -> None:
        """`notice` is told of the engine each time that it is asked for."""
        self.settings = settings
        self.encoding = types.PositionEncodingKind.Utf16
        self.roots: tuple[Path, ...] = ()
        self.documents = OpenDocuments()
        self.predictions: defaultdict[str, Predictions] = defaultdict(Predictions)
        self.requests = NewestOnly()
        self.shown = ShownItems()
        self._engines = engines
        self._notice = notice

    def start_engine(self) -> "AnyEngine":
        """The engine, ready or still loading. Raises ModelError when the model is refused at once."""
        engine = self._engines.engine_for(self.settings)
        self._notice(engine)
        return engine

    @property
    def engine(self) -> "AnyEngine":
        """The engine as `Engines.engine_for` gives it. Raises ModelError when it cannot be used."""
        engine = self.start_engine()
        if engine.ready.done() and (error := engine.ready.exception()) is not None:
            raise ModelError(str(error))
        return engine

    @property
    def running_engine(self) -> "AnyEngine | None":
        """The engine when it runs; to ask this does not keep it in memory."""
        return self._engines.running().get(key_of(self.settings))

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
