"""`midspan doctor`: what is installed, what the model does here, and what is wrong, in words."""

import asyncio
import json
import logging
import platform
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from context.document import Document
from context.snapshot import Snapshot
from lsp_server.fill import build_request
from lsp_server.generate import generate
from lsp_server.record import describe
from lsp_server.settings import ModelSettings, Settings
from lsp_server.sizes import size
from lsp_server.start import set_up_logging, start_engine
from lsp_server.stdio import claim_stdout
from midspan import MidspanError, __version__

if TYPE_CHECKING:  # the engine's module is loaded when it is needed
    from inference.any_engine import AnyEngine

_PACKAGES = ("torch", "triton", "pygls", "lsprotocol", "tokenizers", "safetensors", "openai", "keyring")
_OPTIONAL_PACKAGES = ("triton",)
_TRIAL_TOKENS = 16
_TRIAL = "def area(width, height):\n    return "


@dataclass
class Findings:
    """What `doctor` found; `problems` say what is wrong and what to do."""

    versions: dict[str, str | None]
    memory: dict[str, int]
    model: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    trial: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def examine(settings: Settings, *, as_json: bool) -> int:
    """Prints what was found; the exit code is 1 when something is wrong."""
    stdout = claim_stdout()
    set_up_logging(logging.CRITICAL)  # what the log would say is in the findings
    findings = Findings(_versions(), _memory())
    findings.problems += [
        f"{name} is not installed. Install Midspan again: pip install midspan"
        for name, installed in findings.versions.items()
        if installed is None and name not in _OPTIONAL_PACKAGES
    ]
    try:
        _try_model(settings.completion, findings)
    except MidspanError as error:
        findings.problems.append(str(error))
    output = json.dumps(asdict(findings), indent=2, default=str) if as_json else _in_words(findings)
    stdout.write(f"{output}\n".encode())
    stdout.flush()
    return 1 if findings.problems else 0


def _try_model(settings: ModelSettings, findings: Findings) -> None:
    """Loads the model and completes a line with it, the only proof that it works. Raises MidspanError."""
    engine = start_engine(settings)
    try:
        findings.model = asdict(engine.info)
        if engine.info.folder is not None:
            _weigh(engine.info.name, engine.info.folder, findings)
        engine.ready.result()
        findings.model |= asdict(engine.info)  # a server has told more by now
        findings.engine = asdict(engine.stats())
        findings.trial = asyncio.run(_complete_a_line(engine, settings))
    finally:
        engine.close()


def _weigh(name: str, folder: Path, findings: Findings) -> None:
    size_bytes = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    findings.model["size_bytes"] = size_bytes
    if size_bytes > findings.memory["available_bytes"]:
        findings.problems.append(
            f"{name} takes {size(size_bytes)}, and {size(findings.memory['available_bytes'])} of "
            "memory are free. End other programs, or choose a smaller model."
        )


async def _complete_a_line(engine: "AnyEngine", settings: ModelSettings) -> dict[str, Any]:
    document = Document("area.py", f"{_TRIAL}\n", "python", version=0)
    snapshot = Snapshot(document, len(_TRIAL))
    _, request = build_request(engine, snapshot, max_lines=1, settings=replace(settings, max_tokens=_TRIAL_TOKENS))
    generated = await generate(engine, request)
    assert generated.trace is not None  # only a closed engine gives none
    return {"text": generated.text, "cost": describe(generated.trace)}


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"midspan": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return versions


def _memory() -> dict[str, int]:
    memory = psutil.virtual_memory()
    return {"total_bytes": memory.total, "available_bytes": memory.available}


def _in_words(findings: Findings) -> str:
    rows = [f"{name:12} {installed or 'not installed'}" for name, installed in findings.versions.items()]
    for title in ("memory", "model", "engine", "trial"):
        values = {name: value for name, value in getattr(findings, title).items() if value is not None}
        labels = [title, *[""] * len(values)]
        rows += [f"{label:12} {_named(*item)}" for label, item in zip(labels, values.items(), strict=False)]
    rows.append("")
    rows += [f"Wrong: {problem}" for problem in findings.problems] or ["Nothing is wrong."]
    return "\n".join(rows)


def _named(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return f"{name.removesuffix('_bytes').replace('_', ' ')}: {size(value)}"
    if isinstance(value, tuple | list):
        value = ", ".join(value) or "none"
    return f"{name.replace('_', ' ')}: {value}"
