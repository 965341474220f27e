"""The trace of a request, as `midspan trace` prints it."""

import time
from typing import Any

from lsp_server.telemetry.record import HOW_ENDED, drafts_in_words, format_place, secrets_in_words
from midspan.visible_text import visible_line

_EDITOR_CHARACTERS = 14
HEADER = f"   id  time            ms  tokens  reused  {'editor':{_EDITOR_CHARACTERS}}  request"
# The counts of the engine, in the order and the words in which they are printed.
_TOKENS = {
    "prompt": "in the prompt",
    "cached": "reused",
    "prefilled": "prefilled",
    "moved": "moved and not computed",
    "moved_age": "changed since those were computed",
    "decode": "written",
    "shown": "shown",
    "drafted": "drafted",
    "accepted": "of the draft right",
}
_STAGES = {
    "references": "references",
    "load": "load",
    "pack": "pack",
    "queue": "queue",
    "first_token": "first token",
    "engine": "engine",
    "post": "cleaning",
    "total": "in all",
}


def trace_row(trace: dict[str, Any]) -> str:
    """The trace in one line, under HEADER."""
    tokens = trace["tokens"]
    prompt = tokens.get("prompt", 0)
    count, reused = (f"{prompt:,}", f"{100 * tokens['cached'] // prompt}%") if prompt else ("", "")
    when = time.strftime("%H:%M:%S", time.localtime(trace["at"]))
    editor = _cut(trace["editor"], _EDITOR_CHARACTERS)
    text = (
        f"{trace['id']:5}  {when}  {trace['ms']['total']:8,.0f}  {count:>6}  {reused:>6}  "
        f"{editor:{_EDITOR_CHARACTERS}}  {_place(trace)}: {trace['summary']}"
    )
    return visible_line(text)


def trace_in_full(trace: dict[str, Any]) -> str:
    """All that is known of the request, over several lines."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(trace["at"]))
    asked = "by a key" if trace["explicit"] else "while typing"
    rows = [
        ("request", f"{trace['id']}, {trace['kind']} for {trace['editor']}, {asked}, {when}"),
        ("place", f"{_place(trace)}{' (' + trace['language'] + ')' if trace['language'] else ''}"),
        ("outcome", trace["summary"]),
    ]
    if trace["model"]:
        rows.append(("model", trace["model"]))
    if ended := trace.get("ended"):  # a daemon of an older version does not send it
        rows.append(("ended", HOW_ENDED[ended]))
    if trace["confidence"] is not None:
        rows.append(("confidence", f"{trace['confidence']:.2f}"))
    rows.append(("ms", _named(trace["ms"], _STAGES)))
    if trace["tokens"]:
        counts = "" if trace["counts"] == "exact" else f" ({trace['counts']})"
        rows.append(("tokens", _named(trace["tokens"], _TOKENS) + counts))
    if drafts := trace.get("drafts"):
        rows.append(("drafts", drafts_in_words(drafts)))
    if masked := trace.get("masked"):
        rows.append(("masked", secrets_in_words(masked)))
    if trace["packed"]:
        rows.append(("packed", f"{trace['packed_tokens']:,} tokens, in the order of the prompt:"))
        rows += [("", _packed(part)) for part in trace["packed"]]
    return "\n".join(visible_line(f"{name:11} {text}".rstrip()) for name, text in rows)


def _packed(part: dict[str, Any]) -> str:
    score = "" if part["score"] is None else f", score {part['score']:.2f}"
    state = "moved" if part["moved"] else "kept"
    return f"{part['tokens']:6,}  {state:5}  {part['path']}:{part['first_line'] + 1}: {part['why']}{score}"


def _named(values: dict[str, float], words: dict[str, str]) -> str:
    return ", ".join(f"{round(values[name], 1):,} {said}" for name, said in words.items() if values.get(name))


def _place(trace: dict[str, Any]) -> str:
    return format_place(trace["kind"], trace["path"], trace["position"])


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"
