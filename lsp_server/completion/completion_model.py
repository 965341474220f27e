"""The model that completes for one connection: followed while it loads, and its errors told once."""

import asyncio
import logging
import re
import weakref
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any

from lsprotocol import types

from inference.api import Engine
from lsp_server.completion.confidence.confidence_table import ConfidenceTable, confidence_table
from lsp_server.server.server import MidspanServer, on_loop
from lsp_server.server.status import State, model_state, state_as_json
from midspan import MidspanError, ModelError

_log = logging.getLogger(__name__)

# In a server's words these differ from key to key: the seconds to wait, the tokens of a prompt, a request's name.
_WITH_DIGITS = re.compile(r"\w*\d[\w.]*")


class CompletionModel:
    """Starts and follows the engine of completion. Lives on the event loop alone."""

    def __init__(self, server: MidspanServer) -> None:
        self.reported: str | None = None  # why there is no model
        self._told: tuple[object, str] | None = None  # the model, and why there is none, as the user was told
        self._server = server
        self._session = server.session
        self._followed: weakref.ref[Engine] | None = None  # weak: a model is unloaded while sessions go on
        self._refused: Future[None] | None = None  # the load of a model that cannot fill a hole, however it ends

    def start(self) -> None:
        """Load the model in the background, and report when it cannot be used or cannot fill a hole."""
        try:
            engine = self._start_engine()
        except MidspanError as error:
            self.report(error)
        else:
            self._server.begin(self._try_hole(engine))

    def engine(self) -> Engine:
        """Return the engine, ready or still loading. Raises ModelError when it cannot be used."""
        engine = self._start_engine()
        if engine.ready.done() and (error := engine.ready.exception()) is not None:
            raise ModelError(str(error))
        return engine

    def table(self) -> ConfidenceTable:
        """Return the model's table of confidence. Raises ModelError when the model cannot be used."""
        return confidence_table(self.engine().info.folder)

    def writes(self, language: str) -> bool:
        """Return whether the model has learned this language, or does not run. This does not keep it in memory."""
        engine = self.running
        return engine is None or confidence_table(engine.info.folder).writes(language)

    @property
    def running(self) -> Engine | None:
        """The engine when it runs. To ask this does not keep it in memory."""
        return self._session.running_engine(self._session.settings.completion)

    def report(self, error: BaseException) -> None:
        """Tell the user why nothing is completed, unless that was told last."""
        told = self._session.settings.completion.model, _WITH_DIGITS.sub("0", str(error))
        was_told, self._told, self.reported = told == self._told, told, str(error)
        if was_told:
            return
        known = isinstance(error, MidspanError)
        _log.error("The model cannot be used: %s", error, exc_info=None if known else error)
        reason = str(error) if known else "it failed unexpectedly; the log says where"
        self._server.show(types.MessageType.Error, f"Midspan completes nothing: {reason}")

    def status(self) -> dict[str, str | None]:
        """Return the state of completion, as far as the model decides it."""
        engine = self.running
        state: State
        if engine is not None:
            state = model_state(engine, lambda: engine.fim_prompt("", "", ""))
        elif self.reported:
            state = "error", self.reported
        else:
            state = "ready", "The model is not loaded; the next completion loads it."
        if state[0] != "error" and (untrusted := self._session.why_untrusted("completion.model")) is not None:
            state = state[0], untrusted
        return state_as_json(state, self._session.settings.completion, engine)

    def engine_status(self) -> dict[str, Any]:
        """Return the engine's counts, and whether it is ready."""
        engine = self.running
        if engine is None:
            return {"ready": False, "error": self.reported or "No model is loaded; a completion loads it."}
        if engine.ready.done() and (error := engine.ready.exception()) is not None:
            return {"ready": False, "error": str(error)}
        return asdict(engine.stats()) | {"ready": engine.ready.done(), "model": engine.info.name}

    def _start_engine(self) -> Engine:
        """Return the engine, and follow its load. Raises ModelError when the model is refused at once."""
        engine = self._session.engine(self._session.settings.completion)
        if self._followed is None or self._followed() is not engine:
            self._followed = weakref.ref(engine)
            self._server.follow_load(engine)
            engine.ready.add_done_callback(on_loop(self._engine_is_ready))
        return engine

    async def _try_hole(self, engine: Engine) -> None:
        """Report a model that cannot fill a hole as soon as its tokenizer is there: a thread waits for that."""
        try:
            await asyncio.to_thread(engine.fim_prompt, "", "", "")
        except MidspanError as error:
            self._refused = engine.ready
            self.report(error)

    def _engine_is_ready(self, ready: "Future[None]") -> None:
        if ready.cancelled():
            return
        if (error := ready.exception()) is not None:
            self.report(error)
        elif ready is not self._refused:
            self.reported = self._told = None
            _log.info("The model is ready")
