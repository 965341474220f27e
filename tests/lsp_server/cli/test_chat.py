import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lsp_server.chat.conversations import user_conversations
from tests.context.question.shop import TREE
from tests.context.tree import write_tree
from tests.lsp_server.cli.run_fake import HERE, midspan

CHAT = (sys.executable, str(HERE / "cli_fake.py"), "chat")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(HERE.parents[2])}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in no repository: the code of this one is not what the tests ask about."""
    monkeypatch.chdir(tmp_path)


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


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "shop", TREE)
    (root / ".git").mkdir()
    return root


def chat(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return midspan("chat", "--model", "/models/chat", *arguments, **options)


def test_what_the_answer_is_from_is_listed_under_it_and_not_on_stdout(shop):
    done = chat("--workspace", shop, "How does add_tax work?")
    assert "def add_tax(cents):" not in done.stdout
    assert "The answer is from:" not in done.stdout
    lines = done.stderr.splitlines()
    assert "The answer is from:" in lines
    assert re.search(r"^  shop/tax\.py:1-2 +defines add_tax$", done.stderr, re.MULTILINE)


def test_the_model_is_asked_with_the_code_of_the_repository_around_the_current_folder(shop):
    (shop / "docs").mkdir()
    done = chat("How does add_tax work?", cwd=shop / "docs")
    assert "shop/tax.py:1-2" in done.stderr
    assert done.stdout.startswith("You said: # ")


def test_a_folder_that_is_no_repository_is_not_read_unasked(tmp_path):
    write_tree(tmp_path, TREE)
    done = chat("How does add_tax work?", cwd=tmp_path)
    assert done.stdout == "You said: How does add_tax work?\n"
    assert "The answer is from:" not in done.stderr


def test_files_and_folders_that_the_command_names_are_referred_to(shop):
    done = chat("-f", shop / "shop/stock.py", "-f", shop / "shop", "Why?")
    assert re.search(r"^  shop/stock\.py:1-\d+ +you referred to it$", done.stderr, re.MULTILINE)
    assert re.search(r"^  shop/price\.py:\d+-\d+ +is in shop/$", done.stderr, re.MULTILINE)


@pytest.mark.parametrize("named", [".", "shop/.."])
def test_the_root_of_a_repository_may_be_named_too(shop, named):
    write_tree(shop.parent, {"beside/other.py": "def add_tax(others):\n    return others\n"})
    done = chat("-f", named, "How does add_tax work?", cwd=shop)
    assert "shop/tax.py:1-2" in done.stderr
    assert "other.py" not in done.stderr
    assert "names no file" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-f", "nothing.py"], "nothing.py does not exist"),
        (["-f", "shop/tax.py", "--workspace", "tests"], "is outside the workspace tests"),
        (["--workspace", "shop/tax.py"], "shop/tax.py is no folder"),
        (["-f", "private/plan.py"], "private/plan.py is in no prompt: "),
    ],
)
def test_a_file_that_cannot_be_meant_is_an_error(shop, arguments, message):
    done = chat(*arguments, "Why?", cwd=shop)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


def test_a_mention_that_means_nothing_is_told(shop):
    assert "midspan: @nothing names no file" in chat("Explain @nothing", cwd=shop).stderr


def test_a_conversation_is_kept_goes_on_and_is_cleared(shop):
    def converse(*typed: bytes) -> bytes:
        terminal, program = pty.openpty()
        process = subprocess.Popen(
            [*CHAT, "--model", "/models/chat"], stdin=program, stdout=program, stderr=program, env=ENVIRONMENT, cwd=shop
        )
        os.close(program)
        said = b""
        end = time.monotonic() + 60
        for line in (*typed, b"\x04"):
            before = said.count(b"\n> ") + said.startswith(b"> ")
            while said.count(b"\n> ") + said.startswith(b"> ") == before and time.monotonic() < end:
                if select.select([terminal], [], [], 1)[0]:
                    said += os.read(terminal, 4096)
            os.write(terminal, line)
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
            os.close(terminal)
        return said

    assert b"goes on" not in converse(b"Who?\n")
    said = converse(b"Why?\n", b"/clear\n", b"Where?\n")
    assert b"The conversation goes on after 2 messages." in said
    assert b"You said: Who? Why?" in said
    assert b"You said: Where?" in said
    kept = user_conversations().read(shop)
    assert [message["content"] for message in kept] == ["Where?", "You said: Where?"]
