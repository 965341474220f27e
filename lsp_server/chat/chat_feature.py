"""Chat for one connection: its engine, what that is told of the repository, and its answers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from context.question.answer_context import AnswerContext
from context.secrets.masking import count_masked
from inference.api import ContextFile, Engine, KeptPages, Request
from lsp_server.chat.chat_params import ChatParams
from lsp_server.chat.chat_references import Referred
from lsp_server.chat.chat_request import answer, chat_section
from lsp_server.chat.conversations import user_conversations
from lsp_server.chat.question_context import QuestionContexts, QuestionRoom, WithContext
from lsp_server.chat.question_place import place_of, place_uri, used_part
from lsp_server.chat.repository_files import repository_files
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.kept_prompts import KeptPrompts
from lsp_server.rpc.documents import root_of
from lsp_server.server.generate import Generated
from lsp_server.server.server import MidspanServer
from lsp_server.server.status import model_state, state_as_json
from lsp_server.settings.source import user_settings_file_in_words
from lsp_server.telemetry.record import Record
from midspan import MidspanError, ModelError


class ChatFeature:
    """Asks the chat model for one connection. Lives on the event loop alone."""

    def __init__(self, server: MidspanServer) -> None:
        self.server = server
        self.session = server.session
        self.conversations = user_conversations()
        self._contexts = QuestionContexts()
        self._looking = asyncio.Lock()
        server.status.parts.append(self.status)

    @property
    def max_tokens(self) -> int:
        """The length of the longest answer."""
        return self.session.settings.chat.max_tokens

    @property
    def running(self) -> Engine | None:
        """The engine when it runs. To ask this does not keep it in memory."""
        return self.session.running_engine(self.session.settings.chat)

    @property
    def reading_tokens_per_s(self) -> float | None:
        """The tokens of a prompt that the chat model reads in a second, as far as that is known."""
        return self.session.budget(self.session.settings.chat).tokens_a_second

    @property
    def completes(self) -> bool:
        """True when the chat model is that of completion too, and shares its cache."""
        keys = self.session.engine_keys
        return keys.get("chat") == keys["completion"]

    async def ready_engine(self) -> Engine:
        """Wait for the engine: only a loaded model knows how long a prompt may be. Raises ModelError."""
        engine = self.session.engine(chat_section(self.session.settings))
        self.server.follow_load(engine)
        ready = asyncio.wrap_future(engine.ready)
        await asyncio.wait([ready])  # unlike `await ready`, this does not end the load when the client cancels
        error = ready.exception() if not ready.cancelled() else ModelError("The chat model was unloaded. Ask again.")
        if error is None:
            return engine
        if isinstance(error, MidspanError):
            raise error
        raise ModelError("The chat model failed unexpectedly; the log says where.") from error

    async def files(
        self, engine: Engine, uri: str, referred: frozenset[str], record: Record
    ) -> tuple[ContextFile, ...]:
        """Return what the engine is told of the repository around a document, without the paths in `referred`."""
        session = self.session
        packer, budget = session.workspaces.of(uri).packer, session.budget(session.settings.chat)
        budget.start_from(engine.reading_tokens_per_s)
        document = session.documents.document_or_none(uri) if uri in session.documents else None
        source = PromptSource(packer, session.edits.recent(), budget.tokens)
        arguments = (engine, document, session.others(uri), source, referred)
        loop = asyncio.get_running_loop()
        files = await loop.run_in_executor(session.context_thread, repository_files, *arguments)
        record.masks(count_masked([file.text for file in files], packer.mask_rules))
        return files

    async def kept_pages(self, uri: str) -> KeptPages | None:
        """Return the pages on the disk that a conversation at a document reads: those of completions' prompts.

        A conversation keeps none there: what a user writes in it is in no index that would see a secret in it.
        """
        workspace, settings = self.session.workspaces.of(uri).workspace, self.session.settings.completion
        return await asyncio.to_thread(KeptPrompts(workspace, settings.disk_cache_bytes).readable)

    async def with_context(
        self,
        engine: Engine,
        params: ChatParams,
        referred: Sequence[Referred],
        files: Sequence[ContextFile],
        record: Record,
    ) -> tuple[WithContext, AnswerContext]:
        """Return the messages with what the workspace tells about each question, and that of the last one.

        `referred` are the messages with their references. Raises DocumentError for a mention of a file that a rule
        keeps out of every prompt.
        """
        budget = self.session.budget(self.session.settings.chat)
        budget.start_from(engine.reading_tokens_per_s)
        shown = {file.path: file.text for file in files}
        shown |= {used.path: text for used, text in referred[-1].parts}
        asked = QuestionRoom(engine, budget.question_tokens)
        messages = [one.message for one in referred]
        arguments = (messages, params.messages[-1].content, place_of(self.session, params), asked, shown)
        async with self._looking:  # on any thread but that of completion's prompts, which must not wait for this
            found = await asyncio.to_thread(self._contexts.add, *arguments)
        record.masks(found.context.masked)
        record.mark("context")
        return found, found.context

    def used(self, params: ChatParams, referred: Referred, context: AnswerContext) -> list[dict[str, Any]]:
        """Return the parts of files that the last question is asked with, for the client."""
        uri = place_uri(self.session, params.text_document)
        is_inside = self.session.workspaces.of(uri).workspace is not None
        root = root_of(uri, self.session.roots) if is_inside else None
        parts = [*(part for part, _ in referred.parts), *(used_part(part, root) for part in context.parts)]
        return [part.as_json() for part in parts]

    async def answer(
        self,
        request: Request,
        record: Record,
        on_text: Callable[[str], None],
        is_enough: Callable[[str], bool] = lambda text: False,
    ) -> Generated:
        """Generate the answer, and note in the record what it cost. Raises MidspanError.

        The finish reason is "cancelled" when the answer was enough, or when the engine was closed.
        """
        engine = self.session.engine(chat_section(self.session.settings))
        generated = await answer(engine, request, on_text, is_enough)
        record.mark("engine")
        record.trace = generated.trace
        if generated.trace is None:
            raise ModelError("The model was unloaded before it had answered. Ask again.")
        self.session.budget(self.session.settings.chat).learn(generated.trace)
        return generated

    def status(self, _uri: str | None) -> dict[str, Any]:
        """Return chat's part of the status."""
        settings, engine = self.session.settings.chat, self.running
        untrusted = self.session.why_untrusted("chat.model")
        if settings.model is None:
            where = user_settings_file_in_words()
            reason = untrusted or f"No model is set to chat with: chat.model in {where} names one."
            return {"chat": {"state": "none", "reason": reason, "model": ""}}
        if engine is not None:
            state = state_as_json(model_state(engine, lambda: engine.chat_prompt(())), settings, engine)
        else:
            idle = "The model is not loaded; the next question loads it."
            state = state_as_json(("idle", idle), settings, None)
        return {"chat": state}
