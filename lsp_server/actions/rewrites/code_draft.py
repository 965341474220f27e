"""The code in an answer while it comes, line by line, without the prose and the fence around it."""

import re

from lsp_server.actions.protocol.draft_progress import OnText

_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*(\w*)")


class CodeDraft:
    """A draft for the eye: what counts is `fenced_code.code_of_answer` of the whole answer."""

    def __init__(self, on_text: OnText, language: str, selected: str = "") -> None:
        self._on_text = on_text
        self._language = language
        self._has_fences = "```" in selected  # then no fence is known to be the last
        self._line = ""
        self._fence = ""  # that of the block that is open
        self._is_ours = False  # that block, by its language
        self._is_over = False

    def add(self, text: str) -> None:
        """`on_text` is told with every piece, of nothing where there is no line of code."""
        *lines, self._line = (self._line + text).split("\n")
        self._on_text("".join(f"{line}\n" for line in lines if self._is_code(line)))

    def is_whole(self) -> bool:
        """Whether the block has come that was asked for: what follows is talk."""
        return self._is_over and not self._has_fences

    def _is_code(self, line: str) -> bool:
        match = _FENCE.match(line)
        if not self._fence:
            if match and not self._is_over:
                self._fence, self._is_ours = match[1], match[2].lower() in ("", self._language)
            return False
        if match and line.strip() == self._fence:
            self._fence, self._is_over = "", self._is_ours
            return False
        return self._is_ours
