"""The standalone server, `midspan serve --standalone`: one session in this process, on stdin and stdout."""

import asyncio
import logging
from pathlib import Path
from typing import BinaryIO

from pygls.io_ import StdoutWriter

from context.index.indexer_process import IndexerProcess
from inference.heap import use_one_arena
from lsp_server.daemon.build_server import build_server
from lsp_server.daemon.end_signals import call_at_signals
from lsp_server.rpc.stdio import claim_stdin, claim_stdout, read_messages
from lsp_server.server.engines import Engines, StartEngine
from lsp_server.server.server import MidspanServer
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.sources import check_flags
from lsp_server.telemetry.journal import Journal
from lsp_server.telemetry.log_setup import set_up_logging
from lsp_server.telemetry.usage import Usage
from lsp_server.telemetry.usage_file import usage_file

_log = logging.getLogger(__name__)


def serve(flags: object, log_file: Path | None, start_engine: StartEngine = start_engine) -> int:
    """Run until `exit` or the end of stdin; return the exit code. Raises SettingsError for a flag or a log file."""
    check_flags(flags, Path.cwd())
    use_one_arena()
    stdin, stdout = claim_stdin(), claim_stdout()
    set_up_logging(logging.INFO, log_file)
    journal = Journal(Usage(usage_file()))
    indexer = IndexerProcess()
    server = build_server(flags, Engines(start_engine), SharedWorkspaces(indexer), Path.cwd(), journal)
    code = asyncio.run(_serve(server, stdin, stdout))
    server.session.close()
    journal.close()
    indexer.close()
    return code


async def _serve(server: MidspanServer, stdin: int, stdout: BinaryIO) -> int:
    protocol = server.protocol
    protocol.set_writer(StdoutWriter(stdout))
    messages = read_messages(stdin)
    call_at_signals(lambda: messages.put_nowait(None))
    try:
        while protocol.exit_code is None and (body := await messages.get()) is not None:
            protocol.handle_body(body)
            # A request takes its snapshot now, before the next message changes the document.
            await asyncio.sleep(0)
    except ConnectionError:
        _log.warning("The editor has closed its end of stdout")
    return 1 if protocol.exit_code is None else protocol.exit_code
