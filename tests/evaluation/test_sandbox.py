"""The sandbox judges a model's program by running it, and lets the program do no harm."""

import os
import time
from pathlib import Path

import psutil
import pytest

from evaluation.sandbox import Limits, passes

RIGHT = "def double(x):\n    return x * 2\n\nassert double(4) == 8\n"
LIMITS = Limits()


def test_a_right_program_passes_and_a_wrong_one_fails() -> None:
    assert passes(RIGHT, LIMITS)
    assert not passes(RIGHT.replace("* 2", "* 3"), LIMITS)
    assert not passes("def double(x:\n", LIMITS)


@pytest.mark.parametrize("leave", ["import sys; sys.exit(0)", "import os; os._exit(0)", "raise SystemExit"])
def test_leaving_before_the_tests_is_no_success(leave: str) -> None:
    assert not passes(f"{leave}\nassert False\n", LIMITS)


def test_a_program_that_prints_much_passes() -> None:
    assert passes("for _ in range(100_000):\n    print('x' * 20)\n", LIMITS)


def test_an_endless_loop_is_ended_by_the_processor_s_limit() -> None:
    assert not passes("while True:\n    pass\n", Limits(wall_s=1000, cpu_s=1))


def is_running(note: Path) -> bool:
    """Return whether the process whose id is in the file runs; the sandbox may have refused to start any."""
    try:
        return psutil.Process(int(note.read_text())).status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, psutil.NoSuchProcess):
        return False


def test_a_program_that_sleeps_is_ended_with_what_it_started(tmp_path: Path) -> None:
    note = tmp_path / "child"
    program = f"""
import os, time
child = os.fork()
if child:
    open({str(note)!r}, "w").write(str(child))
time.sleep(100)
"""
    assert not passes(program, Limits(wall_s=3))
    deadline_s = time.monotonic() + 30
    while is_running(note):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.mark.parametrize("size", ["1 << 33", "1 << 31"])
def test_a_program_that_wants_too_much_memory_is_refused(size: str) -> None:
    assert not passes(f"x = bytearray({size})\n", LIMITS)
    assert passes(f"try:\n    x = bytearray({size})\nexcept MemoryError:\n    x = None\nassert x is None\n", LIMITS)


NETWORK = """
import socket
try:
    {attempt}
except OSError as error:
    refused = True
else:
    refused = False
assert refused
"""


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', {port}), timeout=5)",
        "socket.socket().connect(('127.0.0.1', {port}))",
        "socket.getaddrinfo('example.org', 80)",
    ],
)
def test_network_is_refused(attempt: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert passes(NETWORK.format(attempt=attempt.format(port=port)), LIMITS)


def test_it_runs_in_a_folder_of_its_own_without_this_process_s_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "secret")
    here = os.getcwd()
    assert passes(f"import os\nassert os.getcwd() != {here!r} and os.listdir() == []\n", LIMITS)
    assert passes("import os\nassert 'A_SECRET' not in os.environ\n", LIMITS)
    assert passes("import sys\nassert 'site-packages' not in ' '.join(sys.path)\n", LIMITS)
