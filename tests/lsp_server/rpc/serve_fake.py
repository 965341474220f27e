"""`midspan serve` with a fake engine, for tests of the process. Noisy, as native libraries are."""

import os
import sys
from pathlib import Path

from lsp_server.daemon.standalone import serve
from lsp_server.settings.values import ModelSettings
from tests.fake_engine import FakeEngine


def start(_settings: ModelSettings) -> FakeEngine:
    print("noise from Python")
    os.write(1, b"noise from a native library\n")
    os.system("echo noise from a child; cat")  # which must not read the protocol either
    return FakeEngine(lambda _before, _after: "hello()")


if __name__ == "__main__":
    log_file = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    code = serve({}, log_file, start)
    sys.stdout.flush()
    os._exit(code)
