"""The examination of `midspan doctor`: all checks, the fixes that were wanted, and the report."""

import json
import logging
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from inference.store.catalogue import read_catalogue, user_catalogue_path
from inference.store.model_store import user_store
from kernels.cpu.library import native_library
from lsp_server.cli.checks.daemon_check import check_daemon
from lsp_server.cli.checks.disk_check import check_disk
from lsp_server.cli.checks.editor_check import check_editors
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.checks.gpu_check import check_gpus
from lsp_server.cli.checks.index_check import check_index
from lsp_server.cli.checks.model_check import try_chat, try_completion
from lsp_server.cli.checks.native_check import check_native_step
from lsp_server.cli.checks.speed_check import check_speed
from lsp_server.cli.checks.store_check import check_store
from lsp_server.cli.output.known_speed import known_speed
from lsp_server.cli.output.sizes import size_in_words
from lsp_server.rpc.stdio import claim_stdout
from lsp_server.settings.model_setting import UntrustedModelError
from lsp_server.settings.values import Settings
from lsp_server.telemetry.log_setup import set_up_logging
from midspan import MidspanError, SettingsError, __version__
from midspan.memory import usable_memory
from midspan.visible_text import visible_text

_PACKAGES = ("torch", "triton", "pygls", "lsprotocol", "tokenizers", "safetensors", "openai", "keyring")
_OPTIONAL_PACKAGES = ("triton",)


@dataclass
class Examination:
    """All facts and findings. `model`, `engine` and `trial` are of completion; `chat` holds the same of the chat model.

    `problems` are the findings that are wrong and were not mended, in words; `mended` says what was mended.
    """

    versions: dict[str, str | None]
    memory: dict[str, int]
    model: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    trial: dict[str, Any] = field(default_factory=dict)
    chat: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def examine(
    settings: Settings, settings_errors: Sequence[SettingsError], root: Path, *, as_json: bool, fixes: bool
) -> int:
    """Run all checks and print the report; return 1 when something is wrong. With `fixes`, mend first what is safe."""
    stdout = claim_stdout()
    set_up_logging(logging.CRITICAL)  # the findings say all that the log would
    found = Examination(_versions(), _memory())
    found.findings += _check_packages(found.versions)
    found.findings += [
        Finding("settings", str(error), is_wrong=not isinstance(error, UntrustedModelError))
        for error in settings_errors
    ]
    completion, chat = try_completion(settings.completion), try_chat(settings.chat)
    found.model, found.engine, found.trial = completion.model, completion.engine, completion.answer
    found.chat = {"model": chat.model, "engine": chat.engine, "trial": chat.answer} if chat.model else {}
    found.findings += [*completion.findings, *chat.findings]
    found.findings += [*check_native_step(native_library()), *_check_gpus()]
    found.findings += [*check_daemon(), *check_index(root), *check_store(), *_check_speed()]
    found.findings += [*check_disk(), *check_editors()]
    settle(found, fixes=fixes)
    output = json.dumps(_as_json(found), indent=2, default=str) if as_json else visible_text(_in_words(found))
    stdout.write(f"{output}\n".encode())
    stdout.flush()
    return 1 if found.problems else 0


def settle(found: Examination, *, fixes: bool) -> None:
    """Mend the findings that may be mended, and report the other wrong ones as problems."""
    for finding in found.findings:
        if fixes and finding.mend is not None:
            try:
                found.mended.append(finding.mend())
            except (MidspanError, OSError) as error:
                found.problems.append(f"{finding.what} It cannot be mended: {error}")
        elif finding.is_wrong:
            found.problems.append(str(finding))


def _check_gpus() -> Sequence[Finding]:
    from inference.devices.cards import TorchDriver, find_cards  # imports torch

    return check_gpus(find_cards(TorchDriver()))


def _check_speed() -> list[Finding]:
    try:
        return check_speed(user_store(), read_catalogue(user_catalogue_path()), known_speed(anew=True))
    except MidspanError as error:  # the user's catalogue cannot be read
        return [Finding("speed", str(error), is_wrong=True)]


def _check_packages(versions: dict[str, str | None]) -> list[Finding]:
    return [
        Finding(
            "packages",
            f"{name} is not installed.",
            is_wrong=True,
            fix="Install Midspan again, as you did the first time.",
        )
        for name, installed in versions.items()
        if installed is None and name not in _OPTIONAL_PACKAGES
    ]


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"midspan": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return versions


def _memory() -> dict[str, int]:
    return asdict(usable_memory())


def _as_json(found: Examination) -> dict[str, Any]:
    findings = [
        {"subject": f.subject, "what": f.what, "is_wrong": f.is_wrong, "fix": f.fix, "can_fix": f.mend is not None}
        for f in found.findings
    ]
    found.findings = []  # `asdict` would copy their functions
    return {**asdict(found), "findings": findings}


def _in_words(found: Examination) -> str:
    rows = [f"{name:12} {installed or 'not installed'}" for name, installed in found.versions.items()]
    for title in ("memory", "model", "engine", "trial"):
        rows += _table(title, getattr(found, title))
    for title, values in found.chat.items():
        rows += _table(f"chat {title}", values)
    subject = ""
    for finding in found.findings:
        if not finding.is_wrong:
            rows.append(f"{'' if finding.subject == subject else finding.subject:12} {finding}")
            subject = finding.subject
    rows.append("")
    rows += [f"Mended: {done}" for done in found.mended]
    rows += [f"Wrong: {problem}" for problem in found.problems] or ["Nothing is wrong."]
    return "\n".join(rows)


def _table(title: str, values: dict[str, Any]) -> list[str]:
    known = {name: value for name, value in values.items() if value is not None}
    labels = [title, *[""] * len(known)]
    return [f"{label:12} {_named(*item)}" for label, item in zip(labels, known.items(), strict=False)]


def _named(name: str, value: Any) -> str:
    if name.endswith("_bytes"):
        return f"{name.removesuffix('_bytes').replace('_', ' ')}: {size_in_words(value)}"
    if isinstance(value, tuple | list):
        value = ", ".join(value) or "none"
    return f"{name.replace('_', ' ')}: {value}"
