"""`midspan serve` through a relay, with a daemon whose engine is a fake.

Arguments: the idle times in seconds after which the daemon unloads its model and retires; a log file; the relay's
patience in seconds with a daemon that does not answer.
"""

import sys
from collections import deque
from pathlib import Path
from typing import NoReturn

from lsp_server.daemon.daemon_process import run_daemon
from lsp_server.relay.hung_daemon import PATIENCE_S
from lsp_server.server.engines import IdleTimes
from lsp_server.settings.values import ModelSettings
from tests.fake_engine import FakeEngine
from tests.lsp_server.fake_relay import run_relay


def start(_settings: ModelSettings) -> FakeEngine:
    print("noise from the daemon")

    def answer(before: str, _after: str) -> str:
        if before.endswith("slow = "):
            engine.gate.clear()  # the request is never answered
        return "hello()"

    engine = FakeEngine(answer)
    engine.requests = deque(maxlen=1)  # otherwise the daemon grows
    return engine


def main(program: str = __file__) -> NoReturn:
    arguments = sys.argv[1:]
    if arguments[0] == "--daemon":
        run_daemon(start, IdleTimes(*map(float, arguments[1:3])))
    log_file = Path(arguments[2]) if arguments[2:] and arguments[2] else None
    patience_s = float(arguments[3]) if arguments[3:] else PATIENCE_S
    run_relay(program, *arguments[:2], log_file=log_file, patience_s=patience_s)


if __name__ == "__main__":
    main()
