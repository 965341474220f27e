"""Reads the server's JSON without trusting it: missing or misspelt fields never raise an exception."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Usage:
    """The token counts that the server reports."""

    prompt_tokens: int
    cached_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Chunk:
    """An event of a stream. `finish` is the server's reason for the end of the answer."""

    text: str
    finish: str | None
    usage: Usage | None


@dataclass(frozen=True)
class ListedModel:
    """An entry of the server's list of models. `context_tokens` is None when the server does not tell it."""

    name: str
    context_tokens: int | None


def read_chunk(event: object) -> Chunk | None:
    """Read an event; None when it is not the API's. Completions have `text`, chats a `delta` with `content`."""
    data = _table(event)
    if data is None or not isinstance(choices := data.get("choices"), list):
        return None
    usage = _read_usage(data.get("usage"))
    choice = _table(choices[0]) if choices else {}
    if choice is None:
        return None
    text = choice.get("text") or (_table(choice.get("delta")) or {}).get("content") or ""
    finish = choice.get("finish_reason") or None  # some servers say "" until the end
    if not isinstance(text, str) or not (finish is None or isinstance(finish, str)):
        return None
    return Chunk(text, finish, usage)


def read_models(answer: object) -> list[ListedModel] | None:
    """Read a list of models; None when it is not the API's.

    vLLM and SGLang tell the context as `max_model_len`, llama-server as `meta.n_ctx`.
    """
    data = _table(answer)
    if data is None or "data" not in data:
        return None
    entries = [] if data["data"] is None else data["data"]  # some servers say so that they have no model
    if not isinstance(entries, list):
        return None
    models = []
    for entry in map(_table, entries):
        if entry is None or not isinstance(name := entry.get("id"), str):
            return None
        told = (entry.get("max_model_len"), (_table(entry.get("meta")) or {}).get("n_ctx"))
        models.append(ListedModel(name, next((number for number in map(_count, told) if number), None)))
    return models


def _read_usage(value: object) -> Usage | None:
    data = _table(value)
    if data is None:
        return None
    prompt, output = _count(data.get("prompt_tokens")), _count(data.get("completion_tokens"))
    if prompt is None or output is None:
        return None
    details = _table(data.get("prompt_tokens_details")) or {}
    # DeepSeek's platform has its own name for cached tokens.
    cached = _count(details.get("cached_tokens")) or _count(data.get("prompt_cache_hit_tokens")) or 0
    return Usage(prompt, min(cached, prompt), output)


def _table(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
