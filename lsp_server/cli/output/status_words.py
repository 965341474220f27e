"""The status of the daemon, as `midspan status` prints it."""

import time
from typing import Any

from lsp_server.cli.output.sizes import size_in_words
from midspan.visible_text import visible_line


def status_in_words(status: dict[str, Any]) -> str:
    """A line for each editor, index and model."""
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() - status["uptime_s"]))
    rows = [
        ("version", status["version"]),
        ("process", f"{status['pid']}, since {began}"),
        ("memory", size_in_words(status["memory_bytes"])),
        ("requests", f"{status['requests']} now"),
        *(("editor", _editor(editor)) for editor in status["editors"] or [None]),
        *(("trust", _untrusted(folder)) for folder in _untrusted_models(status["editors"])),
        *(("index", _index(index)) for index in status["indexes"] or [None]),
        ("disk", f"{size_in_words(status['kept_pages_bytes'])} of pages are kept for the next start"),
        *(("model", _model(model)) for model in status["models"] or [None]),
    ]
    return "\n".join(visible_line(f"{name:12} {text}") for name, text in rows)


def other_daemon_in_words(pid: int) -> str:
    """A sentence about a daemon that goes by other folders of the user than this command."""
    names = ", ".join(f"XDG_{kind}_HOME" for kind in ("CONFIG", "DATA", "STATE", "CACHE"))
    return f"Another daemon, process {pid}, serves editors that run with other user folders ({names})."


def _editor(editor: dict[str, Any] | None) -> str:
    if editor is None:
        return "none connected"
    roots = ", ".join(editor["roots"]) or "no folder"
    return f"{editor['name']} in {roots}, {_counted(editor['documents'], 'document')} open"


def _untrusted_models(editors: list[dict[str, Any]]) -> list[str]:
    return sorted({folder for editor in editors for folder in editor["untrusted_models"]})


def _untrusted(folder: str) -> str:
    return f"{folder} came with a workspace and waits for your trust: midspan trust {folder}"


def _index(index: dict[str, Any] | None) -> str:
    if index is None:
        return "no workspace open"
    counts = f"{index['root']}: {_counted(index['files'], 'file')}, {_counted(index['definitions'], 'definition')}"
    if index["is_damaged"]:
        state = "damaged, being built anew"
    elif index["files_to_read"]:
        state = f"{index['read_files']:,} of {_counted(index['files_to_read'], 'file')} read"
    else:
        state = "up to date" if index["is_settled"] else "being read"
    if index["watch_limit"]:
        state += f"; it is read again every minute: {index['watch_limit']}"
    return f"{counts}, {size_in_words(index['size_bytes'])}; {state}"


def _model(model: dict[str, Any] | None) -> str:
    if model is None:
        return "none in memory; a completion loads the model"
    used = " and ".join(model["for"]) or "no session"
    title = f"{model['name']} for {used}, in {_counted(model['sessions'], 'session')}"
    if model["error"] is not None:
        return f"{title}: cannot be used: {model['error']}"
    if not model["ready"]:
        return f"{title}: loading"
    parts = [f"{title}: ready", f"{model['running_requests']} running, {model['waiting_requests']} waiting"]
    if model["weights_bytes"]:
        kept = model["dtype"] if model["quant"] in (None, "none") else model["quant"]
        parts.append(f"weights {size_in_words(model['weights_bytes'])} in {kept} on {model['device']}")
    if model["device_reason"] is not None:
        parts.append(f"it runs on {model['device']}: {model['device_reason']}")
    if model["pages_total"]:
        in_use = model["pages_total"] - model["pages_free"] - model["pages_cached"]
        parts.append(
            f"cache {size_in_words(model['cache_bytes'])} in {model['cache_dtype']}: {model['pages_cached']:,} of "
            f"{model['pages_total']:,} pages hold prefixes, {in_use:,} are in use, {model['pages_read']:,} were "
            "read from the disk"
        )
    return "; ".join([*parts, f"asked {model['idle_s']:.0f} s ago"])


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s'[: count != 1]}"
