"""llama.vim's client, with its rules of version a1c8e6e, against llama-server.

It asks at each key at once, without a debounce. A request is never cancelled: while one runs, the next waits, and looks
again every 100 ms. What was predicted is kept by a hash of the text around the cursor, and found again from up to 128
characters behind it. While a suggestion is shown, the one after its acceptance is requested.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import httpx2

from benchmarks.peers.llama_ring import CHUNK_LINES, Ring
from benchmarks.recorded.recording import Recording, Typed
from benchmarks.recorded.waits import Answerer, Wait

# Options of llama-server that llama.vim's help recommends, without those for a GPU.
SERVER_OPTIONS = ("--ubatch-size", 512, "--batch-size", 1024, "--ctx-size", 0, "--cache-reuse", 256)
_PREFIX_LINES, _SUFFIX_LINES = 256, 64
_NEW_TOKENS = 128
_FIRST_PREDICT_MS, _NEXT_PREDICT_MS = 250, 1000
_MOST_LINE_SUFFIX = 8
_CACHE_KEYS = 250
_LOOK_BACK = 128
_TRIMMED_LINES = 3
_RETRY_S = 0.1
_RING_S, _IDLE_S = 1.0, 3.0
_RING_SCOPE_LINES, _FAR_LINES = 1024, 32
_ENTER_S = 0.1
_HOLE = "Î"
_FIELDS = ["content", "timings/prompt_n", "timings/predicted_n"]
SEED = 15


@dataclass(frozen=True)
class _Local:
    """The text around the cursor, as a request has it."""

    prefix: str
    middle: str
    suffix: str
    indent: int
    line: str
    line_suffix: str

    @property
    def hashes(self) -> list[str]:
        """The keys of the cache: with all lines above, and without the first ones."""
        prefixes = [self.prefix]
        for _ in range(_TRIMMED_LINES):
            trimmed = re.sub(r"^[^\n]*\n", "", prefixes[-1], count=1)
            if not trimmed:
                break
            prefixes.append(trimmed)
        return [_hash(prefix + self.middle, self.suffix) for prefix in prefixes]


def _hash(before: str, suffix: str) -> str:
    return hashlib.sha256(f"{before}{_HOLE}{suffix}".encode()).hexdigest()


def local_context(text: str, cursor: int, shown: Sequence[str] = ()) -> _Local:
    """Return the context at the cursor, or after the acceptance of the lines that are `shown` there."""
    row = text.count("\n", 0, cursor)
    lines = text.split("\n")
    column = cursor - text.rfind("\n", 0, cursor) - 1
    line, above = lines[row], lines[max(0, row - _PREFIX_LINES) : row]
    below = "\n".join(lines[row + 1 : row + 1 + _SUFFIX_LINES])
    before, after = line[:column], line[column:]
    if shown:
        above = lines[max(0, row - _PREFIX_LINES + len(shown) - 1) : row]
        accepted = [line + shown[0], *shown[1:]]
        above, before, after = [*above, *accepted[:-1]], accepted[-1], ""
    elif not line.strip():
        before = after = ""
    indent = len(before) - len(before.lstrip())
    return _Local("\n".join(above) + "\n", before, f"{after}\n{below}\n", indent, line, after)


class LlamaVim:
    """The client; `server` starts llama-server when the editor starts. Lives on the event loop."""

    def __init__(self, server: AbstractContextManager[str]) -> None:
        self._server = server
        self._ring = Ring(SEED)
        self._cache: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._job: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._shown: list[str] | None = None  # the lines of the suggestion on the screen
        self._name, self._text, self._cursor, self._is_modified = "", "", 0, False
        self._picked_row = -9999
        self._moved_s = 0.0
        self._pressed_s = 0.0
        self._waits: list[Wait] = []

    async def first(self, recording: Recording, typed: Typed) -> float:
        """Start the server, ask at the first key, and return the milliseconds from the start to the first answer."""
        began_s = perf_counter()
        self._http = httpx2.AsyncClient(base_url=self._server.__enter__(), timeout=600)
        await self.enter(recording)
        self.press(typed)
        assert self._job
        await self._job
        took_ms = 1000 * (perf_counter() - began_s)
        self._waits = []
        self._promoting = asyncio.ensure_future(self._promote())
        return took_ms

    async def enter(self, recording: Recording) -> None:
        """Enter the buffer of a file that is not modified, and take a chunk of it."""
        self._name, self._text, self._cursor, self._is_modified = recording.name, recording.text, 0, False
        self._waits, self._shown = [], None
        asyncio.get_running_loop().call_later(_ENTER_S, self._pick_around)

    def press(self, typed: Typed) -> None:
        """Show what is cached for the new state, and ask."""
        self._pressed_s = self._moved_s = perf_counter()
        self._text, self._cursor = typed.text, typed.cursor
        self._is_modified |= typed.change is not None
        self._waits.append(Wait(0.0, "typed_over"))
        self._shown = None
        self._try_hint(None)
        self._ask()
        if len(local_context(self._text, self._cursor).line_suffix) > _MOST_LINE_SUFFIX:
            self._waits[-1] = Wait(0.0, "not_asked")

    async def leave(self) -> list[Wait]:
        """Leave the buffer, which is modified, so no chunk is taken of it. Raises what has ended a request."""
        if self._job is not None and self._job.done():
            self._job.result()
        return self._waits

    async def close(self) -> None:
        """End the requests and the server."""
        self._promoting.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._job is not None:
            self._job.cancel()
        await self._http.aclose()
        self._server.__exit__(None, None, None)

    def _ask(self, shown: Sequence[str] = (), at: int | None = None) -> None:
        """Send a request, now or when the running one has ended. With `shown`, at a cursor that stays."""
        if self._job is not None:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_later(_RETRY_S, self._ask_again, shown, at)
            return
        local = local_context(self._text, self._cursor if at is None else at, shown)
        hashes = local.hashes
        if len(local.line_suffix) > _MOST_LINE_SUFFIX or any(found in self._cache for found in hashes):
            return
        self._ring.evict_near(self._around())
        self._job = asyncio.ensure_future(self._request(local, hashes, is_next=bool(shown)))
        self._pick_far()

    def _ask_again(self, shown: Sequence[str], at: int | None) -> None:
        self._timer = None
        self._ask(shown, at)

    async def _request(self, local: _Local, hashes: Sequence[str], *, is_next: bool) -> None:
        request = {
            "id_slot": 0,
            "input_prefix": local.prefix,
            "input_suffix": local.suffix,
            "input_extra": self._ring.extra(),
            "prompt": local.middle,
            "n_predict": _NEW_TOKENS,
            "stop": [],
            "n_indent": local.indent,
            "top_k": 40,
            "top_p": 0.90,
            "samplers": ["top_k", "top_p", "infill"],
            "stream": False,
            "cache_prompt": True,
            "t_max_prompt_ms": 500,
            "t_max_predict_ms": _NEXT_PREDICT_MS if is_next else _FIRST_PREDICT_MS,
            "response_fields": _FIELDS,
        }
        response = (await self._http.post("/infill", json=request)).raise_for_status().json()
        for key in hashes:
            self._keep(key, response)
        if not self._shown:
            self._try_hint(response["timings/prompt_n"])
        self._job = None

    def _keep(self, key: str, response: dict[str, Any]) -> None:
        if len(self._cache) >= _CACHE_KEYS:
            self._cache.popitem(last=False)
        self._cache[key] = response
        self._cache.move_to_end(key)

    def _try_hint(self, prefilled_tokens: int | None) -> None:
        """Show what the cache has for this state. `prefilled_tokens` are those of the response that has just come."""
        local = local_context(self._text, self._cursor)
        content = self._cached(local)
        if content is None:
            return
        self._shown = _lines_to_show(content, local)
        if self._waits[-1].answered_by == "typed_over":
            waited_ms = 1000 * (perf_counter() - self._pressed_s)
            answered_by: Answerer = "prediction" if prefilled_tokens is None else "engine"
            self._waits[-1] = Wait(waited_ms, answered_by, prefilled_tokens)
        self._ask(self._shown or [""], self._cursor)

    def _cached(self, local: _Local) -> str | None:
        """Return the prediction for this place, or the longest rest of one behind it that was typed."""
        if (exact := self._cache.get(_hash(local.prefix + local.middle, local.suffix))) is not None:
            return str(exact["content"])
        before, best = local.prefix + local.middle, ""
        for removed in range(1, min(_LOOK_BACK, len(before) - 1) + 1):
            found = self._cache.get(_hash(before[:-removed], local.suffix))
            if found is not None and found["content"].startswith(before[-removed:]):
                best = max(best, found["content"][removed:], key=len)
        return best or None

    def _around(self) -> list[str]:
        row = self._text.count("\n", 0, self._cursor)
        return self._text.split("\n")[max(0, row - CHUNK_LINES // 2) : row + CHUNK_LINES // 2 + 1]

    def _pick_around(self) -> None:
        if not self._is_modified:
            self._ring.pick(self._around(), self._name)

    def _pick_far(self) -> None:
        """Take chunks beyond the local context when the cursor has moved far."""
        row, lines = self._text.count("\n", 0, self._cursor), self._text.split("\n")
        if abs(row - self._picked_row) > _FAR_LINES:
            above = lines[max(0, row - _RING_SCOPE_LINES) : max(1, row - _PREFIX_LINES + 1)]
            self._ring.pick(above, self._name, evict=False)
            first = row + _SUFFIX_LINES
            self._ring.pick(lines[first : first + CHUNK_LINES + 1], self._name, evict=False)
            self._picked_row = row

    async def _promote(self) -> None:
        """While the user rests, move chunks to the ring and have the server read them."""
        while True:
            await asyncio.sleep(_RING_S)
            if perf_counter() - self._moved_s < _IDLE_S or not self._ring.promote():
                continue
            request = {
                "id_slot": 0,
                "input_prefix": "",
                "input_suffix": "",
                "input_extra": self._ring.extra(),
                "prompt": "",
                "n_predict": 0,
                "temperature": 0.0,
                "samplers": [],
                "stream": False,
                "cache_prompt": True,
                "t_max_prompt_ms": 1,
                "t_max_predict_ms": 1,
                "response_fields": [""],
            }
            await self._http.post("/infill", json=request)


def _lines_to_show(content: str, local: _Local) -> list[str]:
    """Return the lines of a suggestion; none for white space, which llama.vim does not offer."""
    if not content.strip():
        return []
    lines = content.rstrip("\n").split("\n")
    if not local.line.strip():  # the editor has indented the line already
        indent = len(lines[0]) - len(lines[0].lstrip())
        lines[0] = lines[0][min(indent, len(local.line)) :]
    return lines
