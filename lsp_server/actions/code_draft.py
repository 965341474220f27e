"""The code in an answer while it comes, line by line, without the prose and the fence around it."""

import re

from lsp_server.actions.draft_progress import OnText

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")


class CodeDraft:
    """A draft for the eye: what counts is `fenced_code.code_of_answer` of the whole answer."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._line = ""
        self._fence = ""  # that of the block that is open
        self._is_over = False

    def add(self, text: str) -> None:
        """`on_text` is told with every piece, of nothing where there is no line of code."""
        *lines, self._line = (self._line + text).split("\n")
        self._on_text("".join(f"{line}\n" for line in lines if self._is_code(line)))

    def _is_code(self, line: str) -> bool:
        match = _FENCE.match(line)
        if not self._fence:
            self._fence = match[1] if match and not self._is_over else ""
            return False
        if match and line.strip() == self._fence:
            self._fence, self._is_over = "", True
            return False
        return True
