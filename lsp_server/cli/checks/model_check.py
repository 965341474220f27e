"""Whether the two models load, have room and answer: the only proof that they work."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import Engine, Message
from lsp_server.chat.chat_request import answer, build_chat_request
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.server.generate import generate
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import ModelSettings
from lsp_server.telemetry.record import format_trace
from midspan import MidspanError, ModelError

_TRIAL_TOKENS = 16
_TRIAL = "def area(width, height):\n    return "
_QUESTION = "Answer with one word: what colour is grass?"


@dataclass
class Tried:
    """What is known of a model, as far as that went."""

    model: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    trial: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def try_completion(settings: ModelSettings) -> Tried:
    """Loads the model and completes a line with it."""
    return _try("completion", settings, lambda engine: _complete_a_line(engine, settings))


def try_chat(settings: ModelSettings) -> Tried:
    """Loads the model and asks it something. Without a model nothing is wrong: there is no chat."""
    if settings.model is None:
        hint = "midspan model pull qwen2.5-coder-1.5b-instruct, then set chat.model to its name"
        return Tried(findings=[Finding("chat", "No model is set to chat with.", fix=f"For one: {hint}")])
    return _try("chat", settings, _answer_a_question)


def _try(subject: str, settings: ModelSettings, trial: Any) -> Tried:
    tried = Tried()
    try:
        engine = start_engine(settings)
        try:
            tried.model = asdict(engine.info)
            if engine.info.folder is not None:
                tried.findings += _weigh(subject, engine.info.name, engine.info.folder, tried.model)
            engine.ready.result()
            tried.model |= asdict(engine.info)  # a server has told more by now
            tried.engine = asdict(engine.stats())
            tried.trial = asyncio.run(trial(engine))
        finally:
            engine.close()
    except MidspanError as error:  # which says what to do
        tried.findings.append(Finding(subject, str(error), is_wrong=True))
    return tried


def _weigh(subject: str, name: str, folder: Path, model: dict[str, Any]) -> Sequence[Finding]:
    """What lies on the disk, quantized or not, is what loading it takes at most."""
    size_bytes = model["size_bytes"] = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    available = psutil.virtual_memory().available
    if size_bytes <= available:
        return ()
    what = f"{name} takes {size(size_bytes)}, and {size(available)} of memory are free."
    return (Finding(subject, what, is_wrong=True, fix="End other programs, or choose a smaller model."),)


async def _complete_a_line(engine: Engine, settings: ModelSettings) -> dict[str, Any]:
    document = Document("area.py", f"{_TRIAL}\n", "python", version=0)
    snapshot = Snapshot(document, len(_TRIAL))
    _, request = build_request(engine, snapshot, 1, replace(settings, max_tokens=_TRIAL_TOKENS), PromptSource())
    generated = await generate(engine, request)
    if generated.trace is None:
        raise ModelError("The model was unloaded before it had answered. Run doctor again.")
    return {"text": generated.text, "cost": format_trace(generated.trace)}


async def _answer_a_question(engine: Engine) -> dict[str, Any]:
    request, _ = build_chat_request(engine, [Message("user", _QUESTION)], _TRIAL_TOKENS)
    generated = await answer(engine, request, lambda _text: None)
    if generated.trace is None:
        raise ModelError("The model was unloaded before it had answered. Run doctor again.")
    return {"text": generated.text, "cost": format_trace(generated.trace)}
