"""The verdict on a proposal, by what the new release has at its place."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from context.documents.document import split_lines
from evaluation.next_edit.hunks import changed_lines
from lsp_server.next_edit.next_edit import NextEdit

_IMPORT = re.compile(r"^(?:from|import|export)\b", re.MULTILINE)
# An import at the left margin: of Python in brackets or on one line, of a script up to its module.
_STATEMENT = re.compile(
    r"^(?:from[ \t]+\S+[ \t]+import[ \t]+(?:\([^()]*\)|[\w., \t]+)"
    r"|import[ \t]+[\w*$, \t]*(?:\{[^{}]*\}[ \t]*)?\bfrom[ \t]*[\"'][^\"'\n]+[\"'];?"
    r"|import[ \t]+[\w., \t]+)",
    re.MULTILINE,
)
_QUOTED = re.compile(r"[\"'][^\"'\n]+[\"']")
_OPEN_LIST = re.compile(r"[^(){}]*[({][^(){}]*")
_PIECE = re.compile(r"\n[ \t]*|\w+|[^\w\s]")
_IMPORT_PIECE = re.compile(r"\w+|[^\w\s,(){}]")


@dataclass(frozen=True)
class Verdict:
    """`is_placed`: the new release changes a line that the proposal changes. `is_right`: it changes it just so."""

    is_placed: bool
    is_right: bool


def judge(proposal: NextEdit, new: str) -> Verdict:
    """Compare the proposal with the new release's text of its file.

    A proposal is right when it is a step on a shortest way from the present text to the new release's, counted in
    words: each word that it removes is one that has to go, and each that it adds is one that has to come. In an import
    the order of the names is left aside, which a formatter makes, and so are commas, brackets and line breaks, unless
    new statements come that the proposal lacks. There the way may also be one of whole lines: a statement that comes
    is no other statement that goes with its words changed. Where among the imports of a file a new one stands is left
    aside too: an order of lines is a formatter's, as that of names is.
    """
    if _is_new_import(proposal, new):
        return Verdict(is_placed=True, is_right=True)
    window = _window(proposal, split_lines(new))
    if window is None:
        return Verdict(is_placed=False, is_right=False)
    start, end, wanted = window
    text, changed = proposal.document.text[start:end], apply([proposal], start, end)
    parts = text, changed, wanted
    if not _is_in_import(proposal):
        return Verdict(True, _is_step([_PIECE.findall(f"\n{part}") for part in parts], distance))
    words = [_IMPORT_PIECE.findall(part) for part in parts]
    if words[2].count("import") > words[1].count("import"):
        words = [_PIECE.findall(f"\n{part}") for part in parts]
    lines = [[line.strip() for line in split_lines(part)] for part in parts]
    return Verdict(True, _is_step(words, _count_different) or _is_step(lines, _count_different))


def compare(proposals: Sequence[NextEdit], new: str) -> tuple[bool, float]:
    """Return whether proposals of one place give the new release's text there, and the similarity (difflib's ratio)."""
    first = proposals[0]
    window = _window(first, split_lines(new))
    if window is None:
        return False, 0.0
    start, end, wanted = window
    text = apply([one for one in proposals if start <= one.start and one.end <= end], start, end)
    return text == wanted, SequenceMatcher(None, text, wanted, autojunk=False).ratio()


def meets(proposal: NextEdit, start: int, stop: int) -> bool:
    """Return whether the proposal changes the lines `start` up to `stop` of its document; none stand between two lines.

    New lines stand between two lines, and meet the lines that end or begin there; blank lines do not part them.
    """
    first, end = _lines_of(proposal)
    if first < end:
        return first <= start <= end if start == stop else first < stop and start < end
    lines = proposal.document.lines
    while first and not lines[first - 1].strip():
        first -= 1
    while end < len(lines) and not lines[end].strip():
        end += 1
    return first <= stop and start <= end


def apply(proposals: Sequence[NextEdit], start: int, end: int) -> str:
    """Return the text from `start` up to `end` with the proposals in it made; of two that overlap, only the first."""
    text = proposals[0].document.text
    parts, done = [], start
    for proposal in sorted(proposals, key=lambda one: one.start):
        if proposal.start >= done:
            parts += [text[done : proposal.start], proposal.text]
            done = proposal.end
    return "".join([*parts, text[done:end]])


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of pieces to remove and to add to make one of the other (Myers, "An O(ND) Difference")."""
    farthest = {1: 0}
    for steps in range(len(one) + len(other) + 1):
        for diagonal in range(-steps, steps + 1, 2):
            is_down = diagonal == -steps or (diagonal != steps and farthest[diagonal - 1] < farthest[diagonal + 1])
            x = farthest[diagonal + 1] if is_down else farthest[diagonal - 1] + 1
            while x < len(one) and x - diagonal < len(other) and one[x] == other[x - diagonal]:
                x += 1
            farthest[diagonal] = x
            if x >= len(one) and x - diagonal >= len(other):
                return steps
    raise AssertionError("the loop ends at the sum of the lengths")


def _count_different(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of pieces to remove and to add, wherever they stand."""
    bags = Counter(one), Counter(other)
    return (bags[0] - bags[1]).total() + (bags[1] - bags[0]).total()


def _is_new_import(proposal: NextEdit, new: str) -> bool:
    """Return whether the proposal adds an import, and so does the new release, of a module that the file lacks."""
    text = proposal.document.text
    is_inserted = proposal.start == proposal.end and "\n" in (proposal.text[:1], proposal.text[-1:])
    added = _STATEMENT.fullmatch(proposal.text.strip()) if is_inserted else None
    if added is None:
        return False
    module = _module_of(added[0])
    present, wanted = ([match[0] for match in _STATEMENT.finditer(one)] for one in (text, new))
    if any(_module_of(statement) == module for statement in present):
        return False
    names = set(_IMPORT_PIECE.findall(added[0]))
    return any(_module_of(one) == module and names <= set(_IMPORT_PIECE.findall(one)) for one in wanted)


def _module_of(statement: str) -> str:
    """Return the module of an import: in quotes, behind `from` or, of Python's `import`, with all else."""
    quoted = _QUOTED.search(statement)
    return quoted[0][1:-1] if quoted else statement.split(" import ")[0] if " import " in statement else statement


def _is_in_import(proposal: NextEdit) -> bool:
    if _IMPORT.match(proposal.text.lstrip()):
        return True  # a new statement
    before = proposal.document.text[: proposal.start]
    starts = [match.start() for match in _IMPORT.finditer(before)]
    statement = before[starts[-1] :] if starts else "\n"
    return "\n" not in statement or _OPEN_LIST.fullmatch(statement) is not None


def _lines_of(proposal: NextEdit) -> tuple[int, int]:
    """Return the first line of a proposal and the line behind its last one; one line twice for new lines before it."""
    document, text = proposal.document, proposal.text
    (first, column), (last, last_column) = map(document.position_at, (proposal.start, proposal.end))
    if proposal.start == proposal.end and not column and text.endswith("\n"):
        return first, first
    if proposal.start == proposal.end and text.startswith("\n") and document.text[proposal.end :][:1] in ("", "\n"):
        return first + 1, first + 1
    ends_before = last > first and last_column == 0
    return first, last if ends_before else last + 1


def _is_step(parts: Sequence[Sequence[str]], measure: Callable[[Sequence[str], Sequence[str]], int]) -> bool:
    """Return whether the second part is on a shortest way from the first one to the third one."""
    before, after, goal = parts
    step = measure(before, after)
    return step > 0 and measure(after, goal) + step == measure(before, goal)


def _window(proposal: NextEdit, new: Sequence[str]) -> tuple[int, int, str] | None:
    """The characters of the proposal's lines and of the hunks that these meet, and the new release's text of them."""
    document, lines = proposal.document, _lines_of(proposal)
    met = [place for place in changed_lines(document.lines, new) if meets(proposal, place[0], place[1])]
    if not met:
        return None
    line, _ = document.position_at(proposal.start)
    first, end = min(line, lines[0], met[0][0]), max(lines[1], met[-1][1])
    new_first, new_end = met[0][2] - (met[0][0] - first), met[-1][3] + (end - met[-1][1])
    starts = (*document.line_starts, len(document.text))
    return starts[first], starts[min(end, len(document.lines))], "".join(new[new_first:new_end])
