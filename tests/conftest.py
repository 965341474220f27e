import atexit
import os
import shutil
import tempfile

# Tests run beside other work; a second thread of torch would wait for a core at every operation.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test meets the daemon of the user who runs it. Whoever starts one here ends it.
_base = tempfile.mkdtemp(prefix="mid")  # short: the address of a socket may not be long
atexit.register(shutil.rmtree, _base, ignore_errors=True)
os.environ["XDG_RUNTIME_DIR"] = os.environ["XDG_STATE_HOME"] = _base
