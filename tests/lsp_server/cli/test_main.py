"""The parser imports nothing that only a command needs, and a wrong command line is told in words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsp_server.rpc.frames import frame
from midspan import __version__
from tests.lsp_server.cli.run_fake import midspan

ROOT = Path(__file__).parents[3]
HEAVY = {
    "asyncio",
    "context",
    "dataclasses",
    "evaluation",
    "inference",
    "logging",
    "lsprotocol",
    "numpy",
    "pygls",
    "sqlite3",
    "subprocess",
    "tokenizers",
    "torch",
    "tree_sitter",
}


def test_the_parser_of_all_commands_and_the_relay_import_nothing_heavy():
    code = (
        "import sys, lsp_server.cli.main as main; main.build_parser().parse_args(['serve']); "
        "import lsp_server.relay.relay; print(*sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    imported = set(done.stdout.split())
    assert {"lsp_server.cli.model", "lsp_server.relay.relay"} <= imported, done.stderr
    assert not HEAVY & {name.partition(".")[0] for name in imported}


@pytest.mark.parametrize(
    "arguments", [[], ["complete"], ["unknown"], ["serve", "--port", "1"], ["stats", "--days", "0"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments):
    done = midspan(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: midspan")


def test_version():
    assert midspan("--version").stdout == f"midspan {__version__}\n"


def test_a_log_file_that_cannot_be_written_is_named(tmp_path):
    done = midspan("serve", "--log-file", tmp_path / "no" / "folder.log")
    assert done.returncode == 1
    assert "folder.log cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_shows_no_character_that_would_steer_a_terminal():
    done = midspan("model", "verify", "\x1b]0;owned\x07")
    assert done.returncode == 1
    assert done.stderr.rstrip("\n").isprintable()


def run_in_removed_folder(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    folder.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    command = ["sh", "-c", script, "sh", str(folder), sys.executable, "-m", "lsp_server.cli", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, input=stdin, capture_output=True, env=environment, timeout=120)


@pytest.mark.parametrize("option", [[], ["--standalone"]], ids=["daemon", "standalone"])
def test_an_editor_in_a_folder_that_was_removed_is_served(here, tmp_path, option):
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}
    done = run_in_removed_folder(tmp_path / "gone", "serve", *option, stdin=frame(json.dumps(message).encode()))
    assert b'"capabilities"' in done.stdout, done.stderr


def test_a_command_that_needs_its_folder_says_that_it_was_removed(tmp_path):
    done = run_in_removed_folder(tmp_path / "gone", "complete", "area.py:1:1")
    assert (done.returncode, done.stderr) == (1, b"midspan: The current folder was removed. Go to another one.\n")
