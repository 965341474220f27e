"""`midspan chat`: asks the chat model from the terminal, one question or a conversation."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from typing import BinaryIO

from inference.api import Engine, Message
from lsp_server.chat.chat_request import answer, build_chat_request, chat_section
from lsp_server.cli.output.terminal_text import visible_text
from lsp_server.rpc.stdio import claim_stdout
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import ModelSettings, Settings
from lsp_server.telemetry.log_setup import set_up_logging
from midspan import SettingsError


def chat(prompt: str | None, settings: Settings) -> int:
    """Prints each answer as it is written; the exit code. Raises MidspanError.

    Without a prompt, stdin is the question, or on a terminal a question each line until its end.
    """
    section = chat_section(settings)
    is_conversation = prompt is None and sys.stdin.isatty()
    questions = _typed() if is_conversation else iter([_question(prompt)])
    stdout = claim_stdout()
    set_up_logging(logging.WARNING)  # what comes out is for the eye
    engine = start_engine(section)
    try:
        engine.ready.result()
        engine.chat_prompt([Message("user", "")])  # refused before a question is typed
        messages: list[Message] = []
        for question in questions:
            messages.append(Message("user", question))
            try:
                text = _answer(engine, messages, section, stdout)
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


def _question(prompt: str | None) -> str:
    """Raises SettingsError when there is none."""
    question = sys.stdin.buffer.read().decode(errors="replace") if prompt is None else prompt
    if not question.strip():
        raise SettingsError('There is no question. Write one, midspan chat "…", or pipe it in.')
    return question


def _typed() -> Iterator[str]:
    print("A question each line; Ctrl-C ends an answer, Ctrl-D the conversation.", file=sys.stderr)
    while True:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            print(file=sys.stderr)
            return
        if line.strip():
            yield line.strip()


def _answer(engine: Engine, messages: list[Message], section: ModelSettings, stdout: BinaryIO) -> str:
    request, dropped = build_chat_request(engine, messages, section.max_tokens)
    if dropped:
        print(f"midspan: the oldest {dropped} messages found no room and are forgotten.", file=sys.stderr)
        del messages[:dropped]

    def show(text: str) -> None:
        stdout.write(visible_text(text).encode())
        stdout.flush()

    generated = asyncio.run(answer(engine, request, show))
    stdout.write(b"\n")
    if generated.finish_reason == "length":
        print("midspan: the answer was cut at chat.max_tokens.", file=sys.stderr)
    return generated.text
