"""The recording of benchmarks/keystrokes.py, and llama.vim's client against a scripted server."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from benchmarks.peers.llama_ring import Ring
from benchmarks.peers.llama_vim import LlamaVim, local_context
from benchmarks.recorded.recording import Key, Recording, read_recordings
from benchmarks.recorded.waits import Wait, count_typed_over, figures
from midspan import DocumentError

ABOVE = "above\n"
ASK_AGAIN_S = 0.3  # longer than the client waits before it looks again


def test_the_recording_has_300_keys_of_every_action() -> None:
    recordings = read_recordings()
    keys = [key for recording in recordings for key in recording.keys]
    assert len(keys) == 300
    for recording in recordings:
        assert {key.action for key in recording.keys} == {"type", "backspace", "paste", "jump", "accept"}
        assert recording.text.isascii()
    assert min(key.wait_ms for key in keys) >= 45


def test_each_key_gives_the_next_state() -> None:
    for recording in read_recordings():
        text = recording.text
        for typed in recording.states():
            if (change := typed.change) is not None:
                assert change.before == text
                text = text[: change.start] + change.text + text[change.end :]
            assert typed.text == text
            assert text[: typed.cursor].endswith(typed.key.text)


def test_a_jump_to_nowhere_is_refused() -> None:
    with pytest.raises(DocumentError, match="nowhere"):
        list(Recording("a.py", "python", "x\n", (Key(1, "jump", "nowhere"),)).states())


def test_percentiles_are_of_answered_keys() -> None:
    waits = [Wait(10, "engine", 4), Wait(30, "engine", 8), Wait(1, "prediction"), Wait(0, "typed_over")]
    found = figures([*waits, Wait(5, "not_asked")])
    assert (found["p50_ms"], found["p95_ms"]) == (10, 30)
    assert (found["p50_engine_ms"], found["p95_engine_ms"], found["prefilled_median"]) == (10, 30, 6)
    assert (found["answered"], found["answered_without_engine"]) == (3, 1)
    assert (found["typed_over"], found["not_asked"]) == (1, 1)


def test_a_key_that_was_typed_over_waited_at_least_until_the_next_key() -> None:
    keys = [Key(wait_ms, "type", "x") for wait_ms in (50, 100, 200, 300)]
    over, answered = Wait(0, "typed_over"), Wait(40, "engine")
    waits = [*count_typed_over([over, answered, over, over], keys, 3000)]
    assert [wait.ms for wait in waits] == [100, 40, 300, 3000]
    found = figures([*waits, Wait(1, "prediction")])
    assert (found["p50_engine_least_ms"], found["p95_engine_least_ms"]) == (100, 3000)
    assert (found["p50_engine_ms"], found["typed_over"]) == (40, 3)


def test_the_typed_part_of_a_line_is_the_middle() -> None:
    local = local_context("one\ntwo()\nthree\n", 6)
    assert (local.prefix, local.middle, local.suffix) == ("one\n", "tw", "o()\nthree\n\n")
    accepted = local_context("one\nab\nthree\n", 6, ["c(", "  d"])
    assert (accepted.prefix, accepted.middle, accepted.suffix) == ("one\nabc(\n", "  d", "\nthree\n\n")


def test_the_ring_drops_what_is_like_the_text_at_the_cursor() -> None:
    ring = Ring(1)
    ring.pick(["alpha beta", "gamma delta", "epsilon"], "a.py")
    ring.pick(["one two", "three four", "five"], "b.py")
    ring.pick(["one two", "three four", "five"], "b.py")
    assert ring.promote()
    assert ring.promote()
    assert not ring.promote()
    ring.evict_near(["alpha beta", "gamma delta", "zeta"])
    assert [chunk["filename"] for chunk in ring.extra()] == ["b.py"]


class _Server:
    """Answers each request with what the model "writes" at its middle, after a pause."""

    def __init__(self, written: dict[str, str], pause_s: float = 0.0) -> None:
        self.requests: list[dict[str, Any]] = []
        self._written = written
        self._pause_s = pause_s

    @contextmanager
    def running(self) -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append(request)
                time.sleep(outer._pause_s)
                content = outer._written.get(request["prompt"], "")
                body = json.dumps({"content": content, "timings/prompt_n": 7, "timings/predicted_n": 2}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


async def _pressed(server: _Server, recording: Recording, *, waiting: bool) -> list[Wait]:
    """The waits after the keys of the recording, with the first key twice; `waiting` for the answer of each."""
    client = LlamaVim(server.running())
    states = list(recording.states())
    await client.first(recording, states[0])
    for typed in states:
        client.press(typed)
        while waiting and (await client.leave())[-1].answered_by == "typed_over":
            await asyncio.sleep(0.01)
    while (await client.leave())[-1].answered_by == "typed_over":
        await asyncio.sleep(0.01)
    waits = await client.leave()
    await asyncio.sleep(ASK_AGAIN_S)
    await client.close()
    return waits


def _type(server: _Server, typed: str, *, waiting: bool = True) -> list[Wait]:
    keys = (Key(0, "jump", ABOVE), *(Key(0, "type", character) for character in typed))
    return asyncio.run(_pressed(server, Recording("a.py", "python", ABOVE, keys), waiting=waiting))


def test_what_was_predicted_is_typed_without_the_server() -> None:
    server = _Server({"": "abc", "x": "def", "xd": "ef"})
    waits = _type(server, "xde")
    assert [wait.answered_by for wait in waits] == ["prediction", "engine", "prediction", "prediction"]
    assert waits[1].prefilled_tokens == 7


def test_the_suggestion_after_the_acceptance_is_requested() -> None:
    server = _Server({"": "abc", "x": "def"})
    _type(server, "x")
    assert "xdef" in {request["prompt"] for request in server.requests if request["t_max_predict_ms"] == 1000}
    assert "x" in {request["prompt"] for request in server.requests if request["t_max_predict_ms"] == 250}


def test_a_running_request_is_not_cancelled_and_the_next_one_waits() -> None:
    server = _Server({"xyz": "two"}, pause_s=0.2)
    waits = _type(server, "xyz", waiting=False)
    assert [wait.answered_by for wait in waits] == ["prediction", "typed_over", "typed_over", "engine"]
    assert [request["prompt"] for request in server.requests][:3] == ["", "x", "xyz"]


def test_a_key_that_is_answered_with_nothing_is_answered() -> None:
    assert [wait.answered_by for wait in _type(_Server({"": "one"}), "x")] == ["prediction", "engine"]


def test_long_text_behind_the_cursor_is_not_asked_about() -> None:
    keys = (Key(0, "jump", ABOVE), Key(0, "jump", "left "))
    recording = Recording("a.py", "python", f"{ABOVE}\nleft of the cursor\n", keys)
    waits = asyncio.run(_pressed(_Server({}), recording, waiting=True))
    assert [wait.answered_by for wait in waits] == ["prediction", "not_asked"]
