"""`midspan serve`: serves an editor on stdin and stdout, through the shared daemon or alone."""

import argparse
import os
import sys
from pathlib import Path

from lsp_server.cli.input.current_folder import has_current_folder
from lsp_server.cli.input.options import Commands, model_flags, model_options


def add_parser(commands: Commands) -> None:
    """Add `serve`."""
    parser = commands.add_parser("serve", parents=[model_options()], help="serve an editor on stdin and stdout")
    parser.add_argument("--log-file", type=Path, metavar="FILE", help="write this session's log to FILE too")
    parser.add_argument("--standalone", action="store_true", help="serve in this process, without the shared daemon")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until the editor leaves, then end this process. Raises MidspanError."""
    if not has_current_folder():  # as that of a branch may be removed while an editor runs in it
        os.chdir(Path(sys.executable).anchor)
    if options.standalone:
        from lsp_server.daemon.standalone import serve

        code = serve(model_flags(options), options.log_file)
    else:
        from lsp_server.relay.relay import relay

        code = relay(model_flags(options), options.log_file)
    sys.stderr.flush()
    # The interpreter would wait for a load of torch that is under way, and may crash in it.
    os._exit(code)
