"""`midspan serve` through a relay, with a daemon whose engine is a fake.

Arguments: the idle times in seconds after which the daemon unloads its model and retires; a log file; the relay's
patience in seconds with a daemon that does not answer.
"""

import os
import sys
from collections import deque
from pathlib import Path

from lsp_server.daemon.daemon_process import run_daemon
from lsp_server.relay.hung_daemon import PATIENCE_S
from lsp_server.relay.relay import relay
from lsp_server.server.engines import IdleTimes
from lsp_server.settings.values import ModelSettings
from midspan import MidspanError
from tests.fake_engine import FakeEngine


def start(_settings: ModelSettings) -> FakeEngine:
    print("noise from the daemon")

    def answer(before: str, _after: str) -> str:
        if before.endswith("slow = "):
            engine.gate.clear()  # the request is never answered
        return "hello()"

    engine = FakeEngine(answer)
    engine.requests = deque(maxlen=1)  # otherwise the daemon grows
    return engine


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[0] == "--daemon":
        run_daemon(start, IdleTimes(*map(float, arguments[1:3])))
    log_file = Path(arguments[2]) if arguments[2:] and arguments[2] else None
    patience_s = float(arguments[3]) if arguments[3:] else PATIENCE_S
    # The daemon's command line names its folder, by which a test finds the process.
    command = (sys.executable, "-P", __file__, "--daemon", *arguments[:2], os.environ["XDG_RUNTIME_DIR"])
    try:
        return relay({}, log_file, command, patience_s)
    except MidspanError as error:
        print(f"midspan: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
