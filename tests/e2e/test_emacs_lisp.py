"""The Lisp of editors/emacs by itself: its own tests, the compiler, and the checker of documentation."""

import subprocess
from pathlib import Path

from tests.e2e.emacs import PROGRAM, needs_emacs
from tests.e2e.emacs_terminal import MODE

pytestmark = needs_emacs
FILES = sorted(MODE.glob("*.el")) + sorted(MODE.glob("test/*.el"))


def batch(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [PROGRAM, "-Q", "--batch", "-L", MODE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_tests_in_lisp_pass():
    done = batch("-l", MODE / "test/midspan-tests.el", "-f", "ert-run-tests-batch-and-exit")
    assert done.returncode == 0, done.stderr
    assert ", 0 unexpected" in done.stderr


def test_the_lisp_compiles_without_a_warning(tmp_path):
    elsewhere = f'(lambda (file) (concat "{tmp_path}/" (file-name-nondirectory file) "c"))'
    done = batch(
        "--eval", f"(setq byte-compile-dest-file-function {elsewhere})", "-f", "batch-byte-compile", *map(str, FILES)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.glob("*.elc"))) == len(FILES)


def test_checkdoc_finds_no_fault_in_the_documentation():
    checks = (word for file in FILES for word in ("--eval", f'(checkdoc-file "{file}")'))
    done = batch("-l", "checkdoc", *checks)
    assert (done.returncode, done.stderr) == (0, "")
