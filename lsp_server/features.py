"""The features of the server, one file each."""

from pathlib import Path

from lsp_server import (
    accepted,
    chat,
    completion,
    completion_menu,
    document_text,
    set_completion,
    status,
    sync,
    trace,
)
from lsp_server.actions import code_actions
from lsp_server.engines import Engines
from lsp_server.journal import Journal
from lsp_server.server import MidspanServer
from lsp_server.shared_workspaces import SharedWorkspaces


def build_server(
    flags: object, engines: Engines, workspaces: SharedWorkspaces, folder: Path, journal: Journal | None = None
) -> MidspanServer:
    """A server with all its features, for one connection.

    `flags` are the settings of its command line, by name; `folder` is what a model's path is relative to. Without a
    journal of its process it keeps its own.
    """
    server = MidspanServer(flags, engines, workspaces, folder, journal or Journal())
    features = (sync, completion, completion_menu, chat, accepted, set_completion, status, trace, document_text)
    for feature in (*features, code_actions):
        feature.register(server)
    return server
