"""The remote engine talks to a real server, llama.cpp's, where that is installed."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from inference.api import Message, Request, Update
from inference.remote.address import parse_address
from inference.remote.engine import RemoteEngine
from midspan import CapacityError
from tests.inference.generate import collect, generate
from tests.inference.remote.tiny_gguf import CONTEXT_TOKENS, write_tiny_gguf

CACHE = Path.home() / ".cache/midspan"  # the user's: that of the tests is empty
LLAMA_SERVER = shutil.which("llama-server") or shutil.which("llama-server", path=CACHE / "llama-cpp")
QWEN = CACHE / "gguf" / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
START_S = 120

pytestmark = pytest.mark.skipif(LLAMA_SERVER is None, reason="llama-server (of llama.cpp) is not installed")


@contextmanager
def llama_server(model: Path, log: Path) -> Iterator[RemoteEngine]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = ("--host", "127.0.0.1", "--port", port, "--ctx-size", str(CONTEXT_TOKENS), "--parallel", "1")
    assert LLAMA_SERVER is not None  # else the tests are skipped
    command = [LLAMA_SERVER, "--model", str(model), *settings, "--threads", "1", "--no-webui"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_for_health(port, process, log)
        engine = RemoteEngine(parse_address(f"remote:http://127.0.0.1:{port}#qwen"))
        engine.ready.result(START_S)
        yield engine
        engine.close()
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def wait_for_health(port: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(START_S * 10):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"llama-server did not start: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteEngine]:
    folder = tmp_path_factory.mktemp("llama")
    with llama_server(write_tiny_gguf(folder / "tiny.gguf"), folder / "log") as engine:
        yield engine


def test_the_servers_context_is_known(tiny):
    assert tiny.info.context_tokens == CONTEXT_TOKENS


def test_sentinels_are_control_tokens_and_those_of_a_file_are_not(tiny):
    before, after = 'x = "<|fim_middle|>"\n', "y\n"
    output = generate(tiny, tiny.fim_prompt("", before, after), max_new_tokens=5)
    # Every byte is a token of this model, and so is each of the three sentinels; one space breaks the file's.
    assert output.trace.prompt_tokens == len(before) + 1 + len(after) + 3
    assert (output.reason, output.trace.decode_tokens, output.trace.counts) == ("length", 5, "reported")


def test_the_servers_cache_shows_in_the_trace(tiny):
    before = "def area(width, height):\n    return width"
    generate(tiny, tiny.fim_prompt("", before, "\n"), max_new_tokens=2)
    trace = generate(tiny, tiny.fim_prompt("", before, "\n"), max_new_tokens=2).trace
    assert trace.cached_tokens > len(before) // 2
    assert trace.prefilled_tokens == trace.prompt_tokens - trace.cached_tokens


def test_a_chat_is_answered(tiny):
    output = generate(tiny, tiny.chat_prompt([Message("user", "hello")]), max_new_tokens=4)
    assert (output.reason, output.trace.decode_tokens) == ("length", 4)


def test_a_cancelled_request_leaves_the_server_free(tiny):
    updates: SimpleQueue[Update] = SimpleQueue()
    long = tiny.submit(Request(tiny.fim_prompt("", "a", "b"), 1900), updates.put)
    first = updates.get(timeout=START_S)
    assert first.finish_reason is None
    long.cancel()
    assert collect(updates).reason == "cancelled"
    # The server has one slot: this request waits until the other has ended.
    assert generate(tiny, tiny.fim_prompt("", "c", "d"), max_new_tokens=2).reason == "length"


def test_a_prompt_that_is_too_long_is_a_matter_of_capacity(tiny):
    # One estimated token for a run of signs, and one real token for each.
    output = generate(tiny, tiny.fim_prompt("", "(" * 3 * CONTEXT_TOKENS, ""))
    assert isinstance(output.error, CapacityError)
    assert "too long for qwen at http://127.0.0.1" in str(output.error)


@pytest.mark.skipif(not QWEN.exists(), reason="the Qwen2.5-Coder-0.5B GGUF is not in the cache folder")
def test_a_real_model_fills_a_hole(tmp_path):
    with llama_server(QWEN, tmp_path / "log") as engine:
        prompt = engine.fim_prompt("", "def add(a, b):\n    return ", "\n\n\nprint(add(2, 3))\n")
        output = generate(engine, prompt, max_lines=1)
        assert (output.text, output.reason) == ("a + b", "lines")
