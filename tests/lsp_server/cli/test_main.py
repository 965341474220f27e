"""The command line is parsed without anything that only a command needs."""

import os
import subprocess
import sys
from pathlib import Path

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
