"""The check of the two models: each is loaded and asked, which alone proves that it works."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import Engine, Message
from lsp_server.chat.chat_request import answer, build_chat_request
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size_in_words
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.server.generate import Generated, generate
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.source import user_settings_file_in_words
from lsp_server.settings.values import CompletionSettings, ModelSettings
from lsp_server.telemetry.record import format_trace
from midspan import MidspanError, ModelError
from midspan.memory import usable_memory

_ANSWER_TOKENS = 16
_LINE = "def area(width, height):\n    return "
_QUESTION = "Answer with one word: what colour is grass?"

Ask = Callable[[Engine], Coroutine[Any, Any, Generated]]


@dataclass
class Trial:
    """The facts about a model, as far as the check went. `answer` is what the model wrote and what that cost."""

    model: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def try_completion(settings: CompletionSettings) -> Trial:
    """Load the model and complete a line with it."""
    return _try_model("completion", settings, lambda engine: _complete_line(engine, settings))


def try_chat(settings: ModelSettings) -> Trial:
    """Load the model and ask it a question. Without a model there is no chat, and nothing is wrong."""
    if settings.model is None:
        pull = "midspan model pull qwen2.5-coder-1.5b-instruct"
        hint = f"{pull}, then set chat.model to its name in {user_settings_file_in_words()} or in your editor"
        return Trial(findings=[Finding("chat", "No model is set to chat with.", fix=f"To chat: {hint}")])
    return _try_model("chat", settings, _answer_question)


def _try_model(subject: str, settings: ModelSettings, ask: Ask) -> Trial:
    trial = Trial()
    try:
        engine = start_engine(settings)
        try:
            trial.model = asdict(engine.info)
            if engine.info.folder is not None:
                trial.findings += _check_memory(subject, engine.info.name, engine.info.folder, trial.model)
            engine.ready.result()
            trial.model |= asdict(engine.info)  # a server has told more about its model by now
            trial.engine = asdict(engine.stats())
            trial.answer = _describe_answer(asyncio.run(ask(engine)))
        finally:
            engine.close()
    except MidspanError as error:  # its message says what to do
        trial.findings.append(Finding(subject, str(error), is_wrong=True))
    return trial


def _check_memory(subject: str, name: str, folder: Path, model: dict[str, Any]) -> Sequence[Finding]:
    """Loading takes at most as much memory as the weights take on the disk."""
    size_bytes = model["size_bytes"] = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    available_bytes = usable_memory().available_bytes
    if size_bytes <= available_bytes:
        return ()
    what = f"{name} needs {size_in_words(size_bytes)}, and {size_in_words(available_bytes)} of memory are free."
    return (Finding(subject, what, is_wrong=True, fix="Close other programs, or choose a smaller model."),)


async def _complete_line(engine: Engine, settings: CompletionSettings) -> Generated:
    document = Document("area.py", f"{_LINE}\n", "python", version=0)
    snapshot = Snapshot(document, len(_LINE))
    _, request = build_request(engine, snapshot, 1, replace(settings, max_tokens=_ANSWER_TOKENS), PromptSource())
    return await generate(engine, request)


async def _answer_question(engine: Engine) -> Generated:
    request, _ = build_chat_request(engine, [Message("user", _QUESTION)], _ANSWER_TOKENS)
    return await answer(engine, request, lambda _text: None)


def _describe_answer(generated: Generated) -> dict[str, Any]:
    if generated.trace is None:
        raise ModelError("The model was unloaded before it answered. Run midspan doctor again.")
    return {"text": generated.text, "cost": format_trace(generated.trace)}
