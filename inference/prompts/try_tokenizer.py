"""The process that tries a tokenizer.json: `python -m inference.prompts.try_tokenizer PATH`, the content on stdin.

The exit code is 0 for a tokenizer that can be used. With 1, stdout has the reason; without a reason, and with any other
code, the limits have ended the process. PATH is only for messages.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

from inference.prompts.tokenizer_file import build_tokenizer, is_panic, parse_tokenizer
from midspan import ModelError

# A row of 20,000 characters takes 0.01 s. One that takes this long takes a time that is no multiple of its length.
MOST_SAMPLE_S = 0.25
# A vocabulary of 152,000 (Qwen2.5-Coder) takes 1.4 s and 0.14 GB.
MOST_SECONDS = 10
MOST_MEMORY_BYTES = 1 << 30
_ROW_CHARACTERS = 20_000
# A text is this many times longer in no useful encoding: a byte is a token at least.
_MOST_TOKENS_PER_CHARACTER = 16
_OTHER_CHARACTERS = "\n\t\r\u00a0\u00e9\u4e2d\U0001f642\u0301"


def main() -> int:
    """Try the tokenizer on stdin."""
    path = Path(sys.argv[1])
    _limit()
    try:
        _use(build_tokenizer(parse_tokenizer(sys.stdin.buffer.read(), path).text_only), path)
    except ModelError as error:
        return _refuse(str(error))
    except BaseException as error:  # tokenizers raises bare Exception, and panics
        if isinstance(error, MemoryError) or not (isinstance(error, Exception) or is_panic(error)):
            raise
        return _refuse(f"{path}: cannot be used ({error}); fetch it again")
    return 0


def _use(tokenizer: Tokenizer, path: Path) -> None:
    """Encode the samples. Raises ModelError for a text that becomes much longer, and whatever the library does.

    A sample that takes long ends the process: the library does not return to be asked.
    """
    for sample in _samples():
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SAMPLE_S)
        tokens = len(tokenizer.encode(sample, add_special_tokens=False).ids)
        if tokens > _MOST_TOKENS_PER_CHARACTER * len(sample):
            raise ModelError(f"{path}: makes a text many times longer; take the one that belongs to the model")


def _limit() -> None:
    """Let the system end this process when it takes too much. Windows has no such limits, only the parent's clock.

    macOS refuses a limit of memory that is below what every process has mapped there.
    """
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _samples() -> Iterator[str]:
    """Yield a long row of each character: over rows, a pattern that backtracks takes a time that is no multiple.

    All characters stand behind each row, or the library sees at once that what the pattern needs is not there.
    """
    all_characters = "".join((*map(chr, range(0x20, 0x7F)), *_OTHER_CHARACTERS))
    yield all_characters * (_ROW_CHARACTERS // len(all_characters))
    yield from (character * _ROW_CHARACTERS + all_characters for character in all_characters)


def _refuse(reason: str) -> int:
    sys.stdout.buffer.write(reason.encode(errors="replace"))
    return 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # without freeing a large vocabulary piece by piece
