"""A relay to a daemon that a test starts."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from lsp_server.relay.hung_daemon import PATIENCE_S
from lsp_server.relay.relay import relay
from midspan import MidspanError


def run_relay(program: str, *arguments: str, log_file: Path | None, patience_s: float = PATIENCE_S) -> NoReturn:
    """Serve the editor through a daemon, which `program --daemon ARGUMENTS` starts, and end the process."""
    # The daemon's folder stands in its command line, where a test finds it.
    command = (sys.executable, "-P", program, "--daemon", *arguments, os.environ["XDG_RUNTIME_DIR"])
    code = 1
    try:
        code = relay({}, log_file, command, patience_s)
    except MidspanError as error:
        print(f"midspan: {error}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(code)
