"""The tests pass however they are started."""

import subprocess
import sys
from pathlib import Path

CHECK = "import tests.conftest, signal; assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"


def test_a_shell_that_ignores_sigint_does_not_have_the_tests_ignore_it():
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", CHECK]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
