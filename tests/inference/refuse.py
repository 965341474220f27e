"""The process that loads or imports the hostile models of its command line, within limits that they want to break.

`python -m tests.inference.refuse load|import PATH ...` prints a line of JSON for each: what refused it, how soon, and
the most memory so far. Imports nothing that makes models.
"""

import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from inference.api import EngineSettings
from inference.local_engine import LocalEngine
from inference.store.import_model import import_model
from inference.store.model_store import ModelStore

MOST_MEMORY_BYTES = 6 << 30  # torch alone reserves 3 GB of addresses
LONGEST_S = 60


def load(folder: Path) -> BaseException | None:
    """Load a folder as the server does, and return the error."""
    engine = LocalEngine(EngineSettings(model=folder, cache_bytes=1 << 20))
    error = engine.ready.exception(timeout=LONGEST_S)
    engine.close()
    return error


def import_path(path: Path) -> BaseException | None:
    import_model(ModelStore(path.parent / "store"), path, None)
    return None


ACTIONS: Mapping[str, Callable[[Path], BaseException | None]] = {"load": load, "import": import_path}


def attempt(action: Callable[[Path], BaseException | None], path: Path, answer: dict[str, object]) -> None:
    began_s = time.perf_counter()
    try:
        error = action(path)
    except BaseException as raised:
        error = raised
    answer |= {"error": str(error), "kind": type(error).__name__, "seconds": time.perf_counter() - began_s}


def peak_bytes() -> int:
    """Return the most memory that this program has held. What getrusage tells includes the parent's before exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    for path in sys.argv[2:]:
        answer: dict[str, object] = {"error": "it hangs", "kind": "", "seconds": LONGEST_S}
        thread = threading.Thread(target=attempt, args=(ACTIONS[sys.argv[1]], Path(path), answer), daemon=True)
        thread.start()
        thread.join(LONGEST_S)
        print(json.dumps({**answer, "peak_bytes": peak_bytes(), "torch": "torch" in sys.modules}), flush=True)


if __name__ == "__main__":
    main()
