"""A chat on the terminal: one question, or a conversation of a question each line, about a workspace."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from context.documents.file_names import relative_path
from context.index.workspace import Workspace
from context.question.answer_context import AnswerContext, Place
from context.question.mentions import mention_of_path
from inference.api import Engine, Message
from lsp_server.chat.chat_request import answer, build_question_request, chat_section
from lsp_server.chat.conversations import user_conversations
from lsp_server.chat.question_context import QuestionContexts, QuestionRoom
from lsp_server.chat.question_place import used_part
from lsp_server.chat.reading_progress import ReadingProgress
from lsp_server.cli.input.typed_questions import CLEAR, one_question, typed_questions
from lsp_server.cli.output.answer_words import ProgressLine, used_in_words
from lsp_server.cli.output.progress_bar import ProgressBar
from lsp_server.rpc.stdio import claim_stdout
from lsp_server.server.generate import Generated
from lsp_server.server.prompt_budget import PromptBudget
from lsp_server.server.shared_workspaces import start_workspace
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import Settings
from lsp_server.telemetry.log_setup import set_up_logging
from midspan import DocumentError, MidspanError, SettingsError
from midspan.visible_text import visible_line, visible_text

_INDEX_WITHIN_S = 60.0  # files that are not indexed by then are not known to the first answer


@dataclass(frozen=True)
class About:
    """The subject of a chat: the root of a workspace, if there is one, and files that the first question refers to."""

    root: Path | None
    files: Sequence[Path] = ()


def chat(prompt: str | None, about: About, settings: Settings) -> int:
    """Print each answer while the model writes it; return the exit code. Raises MidspanError.

    Without a prompt, stdin is the question, or on a terminal each line is a question of a conversation that is kept.
    """
    section = chat_section(settings)
    mentions = _mentions(about)
    is_conversation = prompt is None and sys.stdin.isatty()
    question = "" if is_conversation else one_question(prompt)
    stdout = claim_stdout()
    set_up_logging(logging.WARNING)  # the output is for a reader
    engine = start_engine(section)
    workspace = start_workspace(about.root, ProgressBar().draw) if about.root is not None else None
    try:
        engine.ready.result()
        engine.chat_prompt([Message("user", "")])  # raises before a question is typed
        if workspace is not None and not workspace.wait_until_settled(_INDEX_WITHIN_S):
            _note("not all files are indexed yet; this answer may not know some of them.")
        terminal = _TerminalChat(engine, workspace, section.max_tokens, stdout)
        if is_conversation:
            terminal.converse(mentions)
        else:
            terminal.ask(question, mentions)
    finally:
        engine.close()
        if workspace is not None:
            workspace.close()
    return 0


def _mentions(about: About) -> str:
    """Return the mentions of the files that the command names. Raises DocumentError."""
    paths = []
    for file in about.files:
        if not file.exists():
            raise DocumentError(f"{file} does not exist. Check the name.")
        path = relative_path(file, about.root)
        if path.startswith("/"):
            raise DocumentError(f"{file} is outside the workspace {about.root}. Name its folder with --workspace.")
        if path != ".":  # the root itself: the question is about all of it
            paths.append(f"{path}/" if file.is_dir() else path)
    return " ".join(map(mention_of_path, paths))


class _TerminalChat:
    """A conversation with an engine that is ready."""

    def __init__(self, engine: Engine, workspace: Workspace | None, max_tokens: int, stdout: BinaryIO) -> None:
        self._engine = engine
        self._workspace = workspace
        self._max_tokens = max_tokens
        self._stdout = stdout
        self._budget = PromptBudget()
        self._contexts = QuestionContexts()
        self._messages: list[Message] = []
        self._progress = ProgressLine()

    def converse(self, mentions: str) -> None:
        """Answer each line that is typed. The conversation of the workspace goes on, and is kept."""
        conversations = user_conversations()
        root = self._workspace.root if self._workspace is not None else None
        kept = conversations.read(root) if root is not None else []
        self._messages = [Message(message["role"], message["content"]) for message in kept]
        for question in typed_questions(len(kept)):
            if question == CLEAR:
                self._messages = []
                if root is not None:
                    conversations.clear(root)
                continue
            before = list(self._messages)
            try:
                answered = self.ask(question, mentions)
            except KeyboardInterrupt:
                self._messages = before
                self._progress.end()
                self._stdout.write(b"\n")
                self._stdout.flush()
                continue
            except MidspanError as error:
                self._messages = before
                self._progress.end()
                _note(str(error))
                continue
            mentions = ""
            if root is not None:
                asked = [{"role": message.role, "content": message.content} for message in self._messages[:-1]]
                try:
                    conversations.keep(root, asked, {"role": "assistant", "content": answered})
                except SettingsError as error:
                    _note(str(error))

    def ask(self, question: str, mentions: str) -> str:
        """Print the answer to a question about what it names and what the mentions name; return the answer."""
        self._messages.append(Message("user", question))
        place = Place(self._workspace)
        self._budget.start_from(self._engine.reading_tokens_per_s)
        room = QuestionRoom(self._engine, self._budget.question_tokens)
        asked = self._contexts.add(self._messages, f"{mentions} {question}", place, room, {})
        request, dropped = build_question_request(self._engine, asked, self._max_tokens)
        if dropped:
            _note(f"the conversation is too long; the model is asked without its oldest {dropped} messages.")
        reading = ReadingProgress(self._progress.say, self._budget.tokens_a_second)
        generated = asyncio.run(answer(self._engine, replace(request, on_read=reading.note), self._show))
        self._progress.end()
        if generated.trace is not None:
            self._budget.learn(generated.trace)
        self._messages.append(Message("assistant", generated.text))
        self._print_end(generated, asked.context)
        return generated.text

    def _show(self, text: str) -> None:
        self._progress.end()
        self._stdout.write(visible_text(text).encode())
        self._stdout.flush()

    def _print_end(self, generated: Generated, context: AnswerContext) -> None:
        self._stdout.write(b"\n")
        self._stdout.flush()
        if generated.finish_reason == "length":
            _note("the answer was cut at chat.max_tokens. Raise that setting for longer answers.")
        for mention in context.unknown:
            _note(f"{mention} names no file, folder or definition of the workspace.")
        root = self._workspace.root if self._workspace is not None else None
        if words := used_in_words([used_part(part, root) for part in context.parts]):
            print(f"\n{words}", file=sys.stderr)


def _note(words: str) -> None:
    print(visible_line(f"midspan: {words}"), file=sys.stderr)
