import os
import pty
import select
import subprocess
import sys
import time

import pytest

from tests.lsp_server.cli.run_fake import HERE, midspan

CHAT = (sys.executable, str(HERE / "cli_fake.py"), "chat")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(HERE.parents[2])}


@pytest.mark.parametrize(("arguments", "stdin"), [(["Why?"], ""), ([], "Why?")])
def test_the_question_is_an_argument_or_stdin_and_only_the_answer_is_printed(arguments, stdin):
    done = midspan("chat", "--model", "/models/chat", *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (0, "You said: Why?\n"), done.stderr


def test_what_would_steer_the_terminal_is_not_printed():
    done = midspan("chat", "--model", "/models/chat", "a\x1b[2J\u202eb\tc")
    assert done.stdout == "You said: a\ufffd[2J\ufffdb\tc\n"


def test_no_question_is_an_error():
    done = midspan("chat", "--model", "/models/chat", stdin="  \n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no question" in done.stderr


def test_without_a_model_it_says_which_to_pull():
    done = midspan("chat", "Why?")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "midspan: No model is set to chat with. `midspan model pull qwen2.5-coder-1.5b-instruct`"
    )
    assert done.stderr.count("\n") == 1


def test_a_model_that_cannot_chat_says_which_to_pull(tmp_path):
    from tests.inference.folders import write_folder

    folder = write_folder(tmp_path / "lite-base")
    command = [sys.executable, "-m", "lsp_server.cli", "chat", "--model", str(folder), "Why?"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "lite-base was not trained to chat" in done.stderr
    assert "midspan model pull deepseek-coder-v2-lite-instruct" in done.stderr


def test_on_a_terminal_it_is_a_conversation():
    terminal, program = pty.openpty()
    process = subprocess.Popen(
        [*CHAT, "--model", "/models/chat"], stdin=program, stdout=program, stderr=program, env=ENVIRONMENT
    )
    os.close(program)
    said = b""

    def wait_for(text: bytes) -> None:
        nonlocal said
        end = time.monotonic() + 60
        while text not in said and select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
            said += os.read(terminal, 1024)
        assert text in said
        said = said.partition(text)[2]

    try:
        wait_for(b"> ")
        os.write(terminal, b"Who?\n")
        wait_for(b"You said: Who?")
        wait_for(b"> ")
        os.write(terminal, b"Why?\n")
        wait_for(b"You said: Who? Why?")
        wait_for(b"> ")
        os.write(terminal, b"\x04")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
