"""The features of the server, one file each."""

from lsp_server import accepted, completion, status, sync
from lsp_server.server import MidspanServer
from lsp_server.session import StartEngine
from lsp_server.settings import Settings


def build_server(settings: Settings, start_engine: StartEngine) -> MidspanServer:
    """A server with all its features, for one connection."""
    server = MidspanServer(settings, start_engine)
    for feature in (sync, completion, accepted, status):
        feature.register(server)
    return server
