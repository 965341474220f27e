"""Tries an unknown tokenizer.json in a process of its own before this process builds the tokenizer.

A trial costs the start of an interpreter and the build, once for each content: the digest of what has passed is kept
in the user's cache. The built-in tokenizer is Midspan's own and is not tried.
"""

import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import platformdirs
import tokenizers

from inference.prompts.tokenizer_file import SLOW
from midspan import ModelError

_CODE = Path(__file__).parents[2]
_OWN_MODEL = Path(__file__).parents[1] / "builtin"
_VERSION = 1  # of the trial: what an earlier one has passed is tried again
_PATIENCE_S = 60  # on the wall, where other processes have the processor; `try_tokenizer` limits its own time
_REFUSED = 1  # the exit code with a reason


def pass_trial(data: bytes, path: Path) -> None:
    """Return when the content of a tokenizer.json has passed its trial, now or before. Raises ModelError."""
    if path.parent == _OWN_MODEL:
        return
    digest = hashlib.sha256(f"{_VERSION} {tokenizers.__version__} ".encode() + data).hexdigest()
    passed = platformdirs.user_cache_path("midspan") / "tried-tokenizers" / digest
    if passed.is_file():
        return
    _try(data, path)
    with suppress(OSError):  # a cache that cannot be written costs a trial at each start
        passed.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        passed.touch(mode=0o600)


def _try(data: bytes, path: Path) -> None:
    command = [sys.executable, "-P", "-m", "inference.prompts.try_tokenizer", str(path)]
    python_path = os.pathsep.join(filter(None, [str(_CODE), os.environ.get("PYTHONPATH", "")]))
    environment = os.environ | {"PYTHONPATH": python_path, "TOKENIZERS_PARALLELISM": "false", "RUST_BACKTRACE": "0"}
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=_PATIENCE_S, cwd="/", env=environment, check=False
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise ModelError(f"{path}: could not be tried in a process of its own ({error})") from error
    if done.returncode == _REFUSED and done.stdout:
        raise ModelError(done.stdout.decode(errors="replace"))
    if done.returncode:
        raise ModelError(f"{path}: {SLOW}")
