"""The start of the daemon: the system opens torch's library while the server is imported."""

import fcntl
import json
import os
import subprocess
import sys

_IMPORTS = """
import json, sys
from importlib import import_module
from lsp_server.daemon import daemon_process

def libraries():
    files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    return {name for name, file in files.items() if file.endswith((".so", ".pyd"))}

early = "lsprotocol" in sys.modules
for name in daemon_process._OPEN_LIBRARIES:
    import_module(name)
opened = libraries()
import lsp_server.daemon.daemon
print(json.dumps([early, sorted(opened), sorted(libraries() - opened)]))
"""


def test_the_server_opens_its_own_libraries_before_torchs() -> None:
    done = subprocess.run([sys.executable, "-c", _IMPORTS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    imports_types_before_it_listens, before, later = json.loads(done.stdout)
    assert not imports_types_before_it_listens
    assert any(name.startswith("tree_sitter") for name in before)
    assert later == []  # each would wait until torch's library is open


async def test_a_relay_that_is_suspended_while_it_starts_the_daemon_holds_up_no_other_editor(here):
    here.folder.mkdir(mode=0o700)
    descriptor = os.open(here.folder / "start.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        async with here.relay() as editor:
            await editor.initialize()
            assert len(here.processes()) == 1
    finally:
        os.close(descriptor)
