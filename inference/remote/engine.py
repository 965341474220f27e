"""The remote engine: the interface of every engine, with a server behind it."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from inference.api import (
    ContextFile,
    Draft,
    DraftSource,
    EngineStats,
    FinishReason,
    Message,
    ModelInfo,
    OnUpdate,
    Repository,
    Request,
)
from inference.remote.address import RemoteAddress
from inference.remote.body import chat_body, hole_body
from inference.remote.failures import ServerAwayError
from inference.remote.key import find_key
from inference.remote.live_request import LiveRequest
from inference.remote.lookup import UNTOLD_CONTEXT_TOKENS, FoundModel, look_up
from inference.remote.patience import Patience
from inference.remote.prompt import ChatPrompt, HolePrompt, with_files
from inference.remote.spelling import choose_form
from inference.remote.token_estimate import estimate_tokens
from midspan import CapacityError, MidspanError, ModelError

if TYPE_CHECKING:  # imports openai, which only the engine's thread may do
    from inference.remote.server import Server

log = logging.getLogger(__name__)

# The thread may be waiting for the user to unlock the keyring, which does not keep the process from ending.
_CLOSE_S = 5.0
# So long behind its last answer a server is still taken for the one that gave it.
_SURE_S = 60.0
# The finish reasons of a server that ended an answer neither by its model's choice nor by the limit.
_NOT_THE_MODELS_END = frozenset({"content_filter", "insufficient_system_resource", "abort", "error"})


class RemoteGeneration:
    """A submitted request."""

    def __init__(self, live: LiveRequest, loop: asyncio.AbstractEventLoop) -> None:
        self._live = live
        self._loop = loop

    def cancel(self) -> None:
        """Close the connection at once; the last update says "cancelled". Any thread, any number of times."""
        with suppress(RuntimeError):  # the loop is closed, so the request has ended
            self._loop.call_soon_threadsafe(self._live.stop)


class RemoteEngine:
    """Owns the connections to a server and their thread, until `close`."""

    def __init__(self, address: RemoteAddress, patience: Patience | None = None) -> None:
        """Begin to connect to the server. Errors of the server or the key appear in `ready` and in requests."""
        self.ready: Future[None] = Future()
        self._address = address
        self._patience = patience or Patience()
        self._found: FoundModel | None = None
        self._answered_s = -math.inf  # when the server last answered
        self._looking = asyncio.Lock()
        self._closing = asyncio.Event()
        self._closed = False
        self._live: set[LiveRequest] = set()
        self._server: Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="remote engine", daemon=True)
        self._thread.start()

    @property
    def info(self) -> ModelInfo:
        """The model's description. Name and context are the setting's or assumed until the server has answered."""
        found, address = self._found, self._address
        name = found.name if found else address.model or address.url
        context_tokens = found.context_tokens if found else address.context_tokens or UNTOLD_CONTEXT_TOKENS
        return ModelInfo(name, None, "remote", ("psm",), context_tokens)

    def describe(self) -> ModelInfo:
        """Return the description so far: a prompt does not wait for the server."""
        return self.info

    @property
    def reading_tokens_per_s(self) -> None:
        """None: a server does not tell."""

    def count_tokens(self, text: str) -> int:
        """Estimate the tokens of a text, on the high side."""
        return estimate_tokens(text)

    def fim_prompt(self, context: str, prefix: str, suffix: str, repository: Repository | None = None) -> HolePrompt:
        """Make the prompt for a hole; other files stand under path comments.

        A request to a model that fills no hole fails when it runs.
        """
        return HolePrompt(context + prefix, suffix)

    def begun_word(self, prefix: str) -> str:
        """Return "": a server has no way to make its answer begin with a word."""
        return ""

    def chat_prompt(self, messages: Sequence[Message], files: Sequence[ContextFile] = ()) -> ChatPrompt:
        """Make the prompt for the next answer; files begin the system message, and the server has the template."""
        return ChatPrompt(tuple(with_files(messages, files)))

    def draft(self, source: DraftSource, text: str) -> Draft:
        """Return no tokens: a server drafts by itself or not at all."""
        return Draft(source, ())

    def submit(self, request: Request, on_update: OnUpdate) -> RemoteGeneration:
        """Send a request. `on_update` is called on the engine's thread and must not block it.

        Raises CapacityError for a request that is too long, ForeignPromptError for a prompt of a local engine.
        """
        live = LiveRequest(request, on_update)
        if live.prompt == ChatPrompt(()) or request.max_new_tokens < 1:
            raise CapacityError("a request needs a prompt and at least one token of output")
        total, info = live.prompt_tokens + request.max_new_tokens, self.info
        if total > info.context_tokens:
            raise CapacityError(
                f"prompt and output are about {total} tokens and {self._address} takes {info.context_tokens}; "
                f"lower the token budget, or set context_tokens in the model's address"
            )
        if self._closed:
            raise ModelError(f"the connection to {self._address} has been closed")
        self._loop.call_soon_threadsafe(self._start, live)
        return RemoteGeneration(live, self._loop)

    def stats(self) -> EngineStats:
        """Count the live requests; the pages are the server's."""
        return EngineStats(len(self._live), 0, 0, 0, 0, device=self._address.url)

    def close(self) -> None:
        """Cancel what runs, close the connections and end the thread."""
        self._closed = True
        with suppress(RuntimeError):  # closed before
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        connecting = asyncio.create_task(self._connect())
        await self._closing.wait()
        tasks = [connecting, *(live.task for live in self._live if live.task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.ready.cancel()  # without effect when the server was reached
        if self._server is not None:
            await self._server.close()

    async def _connect(self) -> None:
        """Connect, and report in `ready` the errors that only a change of settings mends; others may pass."""
        try:
            await self._look_up()
        except ServerAwayError as error:
            log.warning("%s", error)
        except MidspanError as error:
            self.ready.set_exception(error)
            return
        except Exception as error:
            log.exception("reaching %s failed", self._address.url)
            self.ready.set_exception(
                ModelError(f"Reaching {self._address.url} failed: {type(error).__name__}. The log says where")
            )
            return
        self.ready.set_result(None)

    def _start(self, live: LiveRequest) -> None:
        live.task = asyncio.ensure_future(self._answer(live))
        self._live.add(live)
        live.task.add_done_callback(live.finish)
        live.task.add_done_callback(lambda _task: self._live.discard(live))

    async def _answer(self, live: LiveRequest) -> FinishReason:
        server, model = await self._look_up()
        if isinstance(live.prompt, HolePrompt):
            form = choose_form(self._address, model.names)
            path, body = hole_body(live.prompt, form, model.name, live.request)
        else:
            path, body = chat_body(live.prompt, model.name, live.request)
        finish = ""
        try:
            async with aclosing(server.stream(path, body)) as chunks:
                async for chunk in chunks:
                    self._answered_s = time.monotonic()
                    if reason := live.take(chunk):
                        return reason
                    finish = chunk.finish or finish
        except MidspanError:
            self._answered_s = -math.inf
            raise
        if finish in _NOT_THE_MODELS_END:
            raise server.explainer.withheld(finish)
        return "length" if finish == "length" else "eos"

    async def _look_up(self) -> "tuple[Server, FoundModel]":
        """Return the server and the model, which is looked up again after a failure and after a pause.

        The server may have been started anew meanwhile, with another model or another context.
        """
        async with self._looking:
            if self._server is None:
                from inference.remote.server import Server

                self._server = Server(self._address, find_key(self._address), self._patience)
            if time.monotonic() - self._answered_s > _SURE_S:
                try:
                    self._found = await look_up(self._server, self._address)
                    self._answered_s = time.monotonic()
                    log.info("%s answers", self._address)
                except ServerAwayError:
                    if self._found is None:
                        raise
            assert self._found is not None
            return self._server, self._found
