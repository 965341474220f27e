"""The features of the server, one file each."""

from pathlib import Path

from lsp_server.actions import code_actions
from lsp_server.chat import chat
from lsp_server.completion import accepted, completion_menu, inline_completion, set_completion
from lsp_server.server import document_text, status, sync, trace_request
from lsp_server.server.engines import Engines
from lsp_server.server.server import MidspanServer
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.telemetry.journal import Journal


def build_server(
    flags: object, engines: Engines, workspaces: SharedWorkspaces, folder: Path, journal: Journal | None = None
) -> MidspanServer:
    """A server with all its features, for one connection.

    `flags` are the settings of its command line, by name; `folder` is what a model's path is relative to. Without a
    journal of its process it keeps its own.
    """
    server = MidspanServer(flags, engines, workspaces, folder, journal or Journal())
    features = (
        sync,
        inline_completion,
        completion_menu,
        chat,
        accepted,
        set_completion,
        status,
        trace_request,
        document_text,
    )
    for feature in (*features, code_actions):
        feature.register(server)
    return server
