"""serve_fake_daemon.py, whose relay and daemon use the door of Windows."""

from lsp_server.relay import door
from tests.lsp_server import serve_fake_daemon

if __name__ == "__main__":
    door.USES_LOOPBACK = True
    serve_fake_daemon.main(__file__)
