"""The code of an answer while the model writes it, line by line, without prose and fence."""

import re

from lsp_server.actions.protocol.draft_progress import OnText

_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*(\w*)")


class CodeDraft:
    """A draft that the user watches. The edit itself comes from `fenced_code.extract_code` of the whole answer."""

    def __init__(self, on_text: OnText, language: str, selected: str = "") -> None:
        self._on_text = on_text
        self._language = language
        self._has_fences = "```" in selected  # then any fence may be part of the code
        self._line = ""
        self._fence = ""  # the fence of the open block
        self._is_ours = False  # whether the open block holds the code, by its language
        self._is_over = False

    def add(self, text: str) -> None:
        """Add a piece of the answer, and call `on_text` with its lines of code, or with "" where it has none."""
        *lines, self._line = (self._line + text).split("\n")
        self._on_text("".join(f"{line}\n" for line in lines if self._is_code(line)))

    def is_whole(self) -> bool:
        """Return whether the block of code has ended, so that only talk can follow."""
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
