"""The request to the engine for the next answer of a conversation, for the server and for `midspan chat`."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from context.prompt.snippet_text import encodable
from inference.api import ContextFile, Engine, Message, Request
from lsp_server.chat.question_context import WithContext
from lsp_server.server.generate import Generated, generate
from lsp_server.settings.source import user_settings_file_in_words
from lsp_server.settings.values import ModelSettings, Settings
from midspan import CapacityError, ModelError

# What a template adds, rather too much: to each message, and before them all where it has an opening of its own.
_MESSAGE_TOKENS = 12
_OPENING_TOKENS = 128
_FILE_TOKENS = 2  # what stands between two files


def chat_section(settings: Settings) -> ModelSettings:
    """Return the settings of chat. Raises ModelError when no model is set: the built-in one cannot chat."""
    if settings.chat.model is None:
        raise ModelError(
            "No model is set to chat with. `midspan model pull qwen2.5-coder-1.5b-instruct` fetches a small one: set "
            f"chat.model to its name, in your editor's settings or in {user_settings_file_in_words()}. "
            "`midspan model list` shows others"
        )
    return settings.chat


def build_chat_request(
    engine: Engine, messages: Sequence[Message], max_tokens: int, files: Sequence[ContextFile] = ()
) -> tuple[Request, int]:
    """Return the request for the next answer, and how many of the oldest messages found no room in it.

    System messages stay. Of `files` the first are taken, as many as the conversation leaves room for. Raises ModelError
    when the model was not trained to chat, CapacityError when the last question alone is too long.
    """
    messages = [replace(message, content=encodable(message.content)) for message in messages]
    new_tokens = min(max_tokens, engine.info.context_tokens // 4)
    room = engine.info.context_tokens - new_tokens - _OPENING_TOKENS
    tokens = [engine.count_tokens(message.content) + _MESSAGE_TOKENS for message in messages]
    is_kept = [True] * len(messages)
    needed = sum(tokens)
    oldest = enumerate(messages[:-1]) if needed > room else ()
    for index, message in oldest:
        if needed <= room and message.role != "assistant":
            break  # an answer does not stand first
        if message.role != "system":
            is_kept[index] = False
            needed -= tokens[index]
    if needed > room:
        raise CapacityError(
            f"The question and what it refers to are {needed} tokens, and {engine.info.name} has room for {room}. "
            "Refer to less"
        )
    kept = [message for message, keep in zip(messages, is_kept, strict=True) if keep]
    taken = fitting(engine, files, room - needed)
    return Request(engine.chat_prompt(kept, taken), new_tokens, background=True), len(messages) - len(kept)


def build_question_request(
    engine: Engine, asked: WithContext, max_tokens: int, files: Sequence[ContextFile] = ()
) -> tuple[Request, int]:
    """Return the same for a conversation with its contexts: those of earlier questions go before a message does."""
    request, dropped = build_chat_request(engine, asked.messages, max_tokens, files)
    return build_chat_request(engine, asked.last_alone, max_tokens, files) if dropped else (request, dropped)


def fitting(engine: Engine, files: Sequence[ContextFile], room_tokens: int) -> Sequence[ContextFile]:
    """Return as many of the first files as fit together."""
    for number, file in enumerate(files):
        room_tokens -= engine.count_tokens(f"{file.title}{file.path}\n{file.text}") + _FILE_TOKENS
        if room_tokens < 0:
            return files[:number]
    return files


async def answer(
    engine: Engine,
    request: Request,
    on_text: Callable[[str], None],
    is_enough: Callable[[str], bool] = lambda text: False,
) -> Generated:
    """Generate an answer, without the white space that a model puts around it."""
    begun = False

    def tell(text: str) -> None:
        nonlocal begun
        text = text if begun else text.lstrip()
        if text:
            begun = True
            on_text(text)

    generated = await generate(engine, request, tell, is_enough)
    return replace(generated, text=generated.text.strip())
