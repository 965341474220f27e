"""llama-server of llama.cpp, for as long as it is needed."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from midspan import ModelError

_START_S = 120.0
_POLL_S = 0.02


@contextmanager
def llama_server(folder: Path, model: Path, options: Sequence[object]) -> Iterator[str]:
    """Start the server with one slot, and return its address when it answers. Raises ModelError, and shows its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [folder / "llama-server", "-m", model, "--port", port, "-np", 1, *options]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, server)
            yield address
        except ModelError:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-2000:])
            raise
        finally:
            server.terminate()
            server.wait()


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s and server.poll() is None:
        try:
            if httpx2.get(f"{address}/health", timeout=5).status_code == httpx2.codes.OK:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(_POLL_S)
    raise ModelError("llama-server does not answer; its log is above")
