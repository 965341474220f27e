"""Marked lines in a file of configuration, which a second setup replaces and an undo removes."""

import re
from dataclasses import dataclass

_BEGIN = ">>> midspan setup; `midspan setup --undo` removes these lines >>>"
_END = "<<< midspan setup <<<"


@dataclass(frozen=True)
class TextBlock:
    """Lines between two comments. `comment` begins a comment in the file's language."""

    comment: str
    lines: tuple[str, ...]

    def put_into(self, text: str, *, on_top: bool = False) -> str:
        """Return the text with the block in place of an earlier one, else at the end or `on_top`."""
        newline = "\r\n" if "\r\n" in text else "\n"
        block = "".join(f"{line}{newline}" for line in (self._mark(_BEGIN), *self.lines, self._mark(_END)))
        earlier = None if on_top else _block(self.comment).search(text)
        if earlier is not None:
            return f"{text[: earlier.start('block')]}{block}{text[earlier.end('block') :]}"
        text = self.take_out(text)
        if on_top:
            return f"{block}{newline}{text}"
        ended = text if not text or text.endswith("\n") else f"{text}{newline}"
        return f"{ended}{newline if ended else ''}{block}"

    def take_out(self, text: str) -> str:
        """Return the text without the block, whatever its lines say, and without the blank line that came with it."""
        found = _block(self.comment).search(text)
        if found is None:
            return text
        before, after = text[: found.start()], text[found.end() :]
        return before + (after if before else re.sub(r"\A\r?\n", "", after))

    def _mark(self, words: str) -> str:
        return f"{self.comment} {words}"


def _block(comment: str) -> re.Pattern[str]:
    begin, end = (re.escape(f"{comment} {words}") for words in (_BEGIN, _END))
    block = rf"(?P<block>^{begin}\r?\n(?s:.*?)^{end}[^\S\n]*(?:\n|\Z))"
    return re.compile(rf"(?:(?<=\n)\r?\n)?{block}", re.MULTILINE)
