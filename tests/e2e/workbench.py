"""A code-server that serves a workspace, and the browser that shows it."""

import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from tests.e2e.waiting import WAIT_S, wait_until

SIZE: ViewportSize = {"width": 1200, "height": 720}
NO_GALLERY = {"EXTENSIONS_GALLERY": '{"serviceUrl": ""}'}


@contextmanager
def workbench(
    browser: Browser, command: list[str], config: Path, variables: dict[str, str], workspace: Path
) -> Iterator[Page]:
    """Start code-server by this command, which reads the file `config`, and show a workspace in the browser."""
    port = _free_port()
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"bind-addr: 127.0.0.1:{port}\nauth: none\ncert: false\n")
    quiet = ["--disable-telemetry", "--disable-update-check"]
    environment = os.environ | variables | NO_GALLERY
    with (workspace.parent / "code-server.log").open("w") as output:
        server = subprocess.Popen(
            [*command, *quiet, str(workspace)], env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_it_serves(port)
        with browser.new_context(viewport=SIZE, permissions=["clipboard-read", "clipboard-write"]) as context:
            context.set_default_timeout(WAIT_S * 1000)
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}/?folder={workspace}", wait_until="domcontentloaded")
            page.locator(".monaco-workbench").first.wait_for()
            yield page
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(WAIT_S)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_until_it_serves(port: int) -> None:
    def serves() -> bool:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
            return True
        return False

    wait_until(serves, lambda: f"code-server does not serve port {port}")
