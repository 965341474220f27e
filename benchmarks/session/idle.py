"""The cost of a daemon that waits: three editors have a file open and a suggestion on the screen, and nobody types.

It prints the share of one core that the daemon, its child processes and the editors' relays take over a minute, and how
often the daemon's threads wake up. The peer is the same daemon a moment before, while it computes what comes next.
"""

import argparse
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.startup import AUTOMATIC, ROOT, Editor, daemon_status, long_file, own_runtime_folder

EDITORS = 3
BUSY_S = 5.0
SETTLE_S = 30.0  # for look-ahead, warming and the index


def measure(seconds: float, arguments: list[str]) -> dict[str, float]:
    """Return the shares in percent of a core, and the wake-ups a second."""
    editors = [Editor(*arguments) for _ in range(EDITORS)]
    for number, editor in enumerate(editors):
        editor.initialize(root=ROOT.as_uri())
        before, rest = long_file(number)
        uri = f"{ROOT.as_uri()}/file_{number}.py"
        editor.open(before + rest, uri)
        editor.complete(before, uri, AUTOMATIC)
    daemon = psutil.Process(daemon_status()["pid"])
    busy = _shares([daemon], BUSY_S)
    time.sleep(SETTLE_S)
    relays = [psutil.Process(editor.pid) for editor in editors]
    children = daemon.children(recursive=True)
    wakeups = _wakeups(daemon)
    shares = _shares([daemon, *children, *relays], seconds)
    woken = sum(max(count - wakeups.get(thread, count), 0) for thread, count in _wakeups(daemon).items())
    for editor in editors:
        editor.leave()
    return {
        "daemon_busy_percent": busy[daemon.pid],
        "daemon_percent": shares[daemon.pid],
        "children_percent": sum(shares.get(child.pid, 0.0) for child in children),
        "relays_percent": sum(shares[relay.pid] for relay in relays),
        "daemon_wakeups_per_s": woken / seconds,
    }


def _shares(processes: Iterable[psutil.Process], seconds: float) -> dict[int, float]:
    """Return the percent of a core that each process takes; one that ends meanwhile is left out."""
    before = {process.pid: _busy_s(process) for process in processes}
    time.sleep(seconds)
    shares = {}
    for pid, busy_s in before.items():
        with suppress(psutil.NoSuchProcess):
            shares[pid] = 100 * (_busy_s(psutil.Process(pid)) - busy_s) / seconds
    return shares


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _wakeups(process: psutil.Process) -> dict[str, int]:
    """Return how often each thread has waited so far, by its id; Linux alone tells."""
    found = {}
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with suppress(OSError):
            status = Path(f"/proc/{process.pid}/task/{thread}/status").read_text()
            found[thread] = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="FOLDER", help="a model folder (default: the built-in model)")
    parser.add_argument("--seconds", type=float, default=60.0, help="the time that is measured (default: 60)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with own_runtime_folder():
        figures = measure(options.seconds, ["--model", options.model] if options.model else [])
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value:>10,.3f}")


if __name__ == "__main__":
    main()
