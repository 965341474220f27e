"""The questions of `midspan chat`: one of the command line or of stdin, or those that a user types."""

import io
import sys
from collections.abc import Iterator

from midspan import SettingsError

CLEAR = "/clear"


def one_question(prompt: str | None) -> str:
    """Return the prompt, or all of stdin. Raises SettingsError when it is empty."""
    question = sys.stdin.buffer.read().decode(errors="replace") if prompt is None else prompt
    if not question.strip():
        raise SettingsError('There is no question. Write one, midspan chat "…", or pipe it in.')
    return question


def typed_questions(kept_messages: int) -> Iterator[str]:
    """Yield each line that is typed until Ctrl-D. `kept_messages` of an earlier conversation are known."""
    print(
        "Type a question on each line; @ names a file, a folder or a definition. Ctrl-C stops an answer, "
        f"{CLEAR} begins a new conversation, Ctrl-D ends.",
        file=sys.stderr,
    )
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # half a character, as a terminal may leave of one that was taken back
    if kept_messages:
        print(f"The conversation goes on after {kept_messages} messages.", file=sys.stderr)
    while True:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            print(file=sys.stderr)
            return
        if line.strip():
            yield line.strip()
