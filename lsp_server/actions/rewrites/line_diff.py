"""A line diff as changes of a document: lines that stay the same are not touched."""

from difflib import SequenceMatcher

from lsp_server.actions.protocol.workspace_edit import Change


def diff_lines(start: int, old: str, new: str) -> list[Change]:
    """Return the changes from `old` to `new`; `start` is the offset of the old text in its document."""
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    starts = [start]
    for line in old_lines:
        starts.append(starts[-1] + len(line))
    matcher = SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    return [
        Change(starts[first], starts[end], "".join(new_lines[new_first:new_end]))
        for tag, first, end, new_first, new_end in matcher.get_opcodes()
        if tag != "equal"
    ]
