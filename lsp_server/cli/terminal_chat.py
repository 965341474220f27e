"""A chat on the terminal: one question, or a conversation of a question each line."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from typing import BinaryIO

from inference.api import Engine, Message
from lsp_server.chat.chat_request import answer, build_chat_request, chat_section
from lsp_server.rpc.stdio import claim_stdout
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import ModelSettings, Settings
from lsp_server.telemetry.log_setup import set_up_logging
from midspan import SettingsError
from midspan.visible_text import visible_text


def chat(prompt: str | None, settings: Settings) -> int:
    """Print each answer while the model writes it; return the exit code. Raises MidspanError.

    Without a prompt, stdin is the question, or on a terminal each line is a question.
    """
    section = chat_section(settings)
    is_conversation = prompt is None and sys.stdin.isatty()
    questions = _typed_questions() if is_conversation else iter([_one_question(prompt)])
    stdout = claim_stdout()
    set_up_logging(logging.WARNING)  # the output is for a reader
    engine = start_engine(section)
    try:
        engine.ready.result()
        engine.chat_prompt([Message("user", "")])  # raises before a question is typed
        messages: list[Message] = []
        for question in questions:
            messages.append(Message("user", question))
            try:
                text = _print_answer(engine, messages, section, stdout)
            except KeyboardInterrupt:
                if not is_conversation:
                    raise
                messages.pop()
                stdout.write(b"\n")
            else:
                messages.append(Message("assistant", text))
            stdout.flush()
    finally:
        engine.close()
    return 0


def _one_question(prompt: str | None) -> str:
    """The prompt, or all of stdin. Raises SettingsError when it is empty."""
    question = sys.stdin.buffer.read().decode(errors="replace") if prompt is None else prompt
    if not question.strip():
        raise SettingsError('There is no question. Write one, midspan chat "…", or pipe it in.')
    return question


def _typed_questions() -> Iterator[str]:
    print("Type a question on each line. Ctrl-C stops an answer, Ctrl-D ends the conversation.", file=sys.stderr)
    while True:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            print(file=sys.stderr)
            return
        if line.strip():
            yield line.strip()


def _print_answer(engine: Engine, messages: list[Message], section: ModelSettings, stdout: BinaryIO) -> str:
    request, dropped = build_chat_request(engine, messages, section.max_tokens)
    if dropped:
        print(
            f"midspan: the conversation is too long; its oldest {dropped} messages are left out.",
            file=sys.stderr,
        )
        del messages[:dropped]

    def show(text: str) -> None:
        stdout.write(visible_text(text).encode())
        stdout.flush()

    generated = asyncio.run(answer(engine, request, show))
    stdout.write(b"\n")
    if generated.finish_reason == "length":
        print("midspan: the answer was cut at chat.max_tokens. Raise that setting for longer answers.", file=sys.stderr)
    return generated.text
