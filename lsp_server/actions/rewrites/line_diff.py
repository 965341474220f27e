"""The changes that make one text of another, line by line: what stays the same is not touched."""

from difflib import SequenceMatcher

from lsp_server.actions.protocol.workspace_edit import Change


def line_changes(start: int, old: str, new: str) -> list[Change]:
    """`start` is where the old text stands in its document."""
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
