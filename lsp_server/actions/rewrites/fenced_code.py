"""The code in an instruct model's answer, without prose and fence, indented for its place in the file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from context.documents.indentation import columns, indentation_of

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*(.*?)\s*")
_FENCE_ON_ONE_LINE = re.compile(r"\s*(`{3,})([^`\n]+)\1\s*")
# The info string after a fence is a language or attributes. Code there is a slip of the model: its first line.
_IS_CODE = re.compile(r"[^{].*(?:\(|[:;{,)]$)")
_TRIPLE_QUOTES = re.compile(r"\"{3}|'{3}")
_OPENS_BLOCK = re.compile(r"(?:[:{]|=>|->|\b(?:do|then|else|begin))\s*(?:(?:#|//).*)?$")
_CLOSES_BLOCK = re.compile(r"\}|</|(?:end|fi|done|esac|endif)\b")
_CLOSES_STATEMENT = re.compile(r"[)\]}]")
# A capital, three words or more, and the end of a sentence: no line of code but a comment looks like this.
_PROSE = re.compile(r"[A-Z][a-z'’]*,?(?: [\w'’`(),/-]+){2,}.*[.:!?]\s*|(?:Sure|Certainly|Of course)\b.*")
# Blocks in these languages are commands or output; a block in another language is preferred.
_SIDE_LANGUAGES = {"bash", "console", "diff", "log", "output", "plaintext", "sh", "shell", "text", "txt"}
_MOST_FENCE_SHIFT = 3  # columns that a closing fence may stand to the right of its opening one


@dataclass(frozen=True)
class _Fenced:
    language: str
    lines: tuple[str, ...]

    @property
    def weight(self) -> tuple[bool, int]:
        return self.language not in _SIDE_LANGUAGES, sum(1 for line in self.lines if line.strip())


def extract_code(answer: str, indent: str) -> str | None:
    """Return the code of an answer; None when the answer certainly or probably holds none.

    `indent` is the white space before the first line that the code replaces. Of several fenced blocks the longest
    counts. An answer without a fence is code only when it neither begins nor ends with a sentence. An answer that was
    cut off gives the code up to the cut; the caller knows of the cut. The code has no line end at its end.
    """
    answer = answer.replace("\r\n", "\n").replace("\r", "\n")
    blocks = _fenced_blocks(answer.split("\n"))
    if blocks:
        lines = max(blocks, key=lambda block: block.weight).lines
    elif match := _FENCE_ON_ONE_LINE.fullmatch(answer):
        lines = (match[2].strip(),)
    else:
        lines = tuple(answer.split("\n"))
        written = [line for line in lines if line.strip()]
        if not written or _PROSE.fullmatch(written[0]) or _PROSE.fullmatch(written[-1]):
            return None
    filled = [index for index, line in enumerate(lines) if line.strip()]
    if not filled:
        return None
    return "\n".join(_indented(lines[filled[0] : filled[-1] + 1], indent))


def _fenced_blocks(lines: Sequence[str]) -> list[_Fenced]:
    blocks, at = [], 0
    while at < len(lines):
        opening = _FENCE.fullmatch(lines[at])
        at += 1
        if opening is None or "`" in opening[3]:
            continue
        end = _end_of_block(lines, at, opening, nested=True)
        if end is None:
            end = _end_of_block(lines, at, opening, nested=False)
        block = lines[at:end]
        if _IS_CODE.match(opening[3]):
            block = [opening[3], *block]
        blocks.append(_Fenced(opening[3].partition(" ")[0].lower(), tuple(block)))
        at = len(lines) if end is None else end + 1
    return blocks


def _end_of_block(lines: Sequence[str], start: int, opening: re.Match[str], *, nested: bool) -> int | None:
    """Return the line of the closing fence. With `nested`, fences in docstrings and in fenced Markdown belong to the
    block.
    """
    depth, in_string = 0, False
    for index in range(start, len(lines)):
        line = lines[index]
        fence = _FENCE.fullmatch(line)
        if fence is not None and fence[2][0] == opening[2][0] and "`" not in fence[3]:
            near = columns(fence[1]) <= columns(opening[1]) + _MOST_FENCE_SHIFT
            if nested and fence[3] and near:
                depth += 1
            elif nested and depth and near:
                depth -= 1
            elif not fence[3] and near and len(fence[2]) >= len(opening[2]) and not (nested and in_string):
                return index
        elif len(_TRIPLE_QUOTES.findall(line)) % 2:
            in_string = not in_string
    return None


def _indented(lines: Sequence[str], indent: str) -> list[str]:
    if len(lines) > 1 and _lost_its_indentation(lines, indent):
        lines = [indent + lines[0], *lines[1:]]
    common = common_indentation(lines)
    rest = [line[len(common) :] if line.strip() else "" for line in lines]
    if "\t" in indent:
        rest = _in_tabs(rest)
    return [indent + line if line else "" for line in rest]


def common_indentation(lines: Sequence[str]) -> str:
    """Return what all lines begin with, the blank ones left out. One line at least is not blank."""
    spaces = [indentation_of(line) for line in lines if line.strip()]
    first, last = min(spaces), max(spaces)  # of sorted strings, the first and the last have the shortest common prefix
    length = next((index for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:length]


def _lost_its_indentation(lines: Sequence[str], indent: str) -> bool:
    """Return whether the first line is at the margin and all others are indented as they were in the file."""
    others = [indentation_of(line) for line in lines[1:] if line.strip()]
    if not indent or indentation_of(lines[0]) or not all(other.startswith(indent) for other in others):
        return False
    head = _statement_end(lines)
    body = [len(indentation_of(line)) for line in lines[head:] if line.strip()]
    # A block that opens at the margin closes at the margin.
    closes = _CLOSES_BLOCK if body else _CLOSES_STATEMENT
    if closes.match(lines[-1].lstrip()) and indentation_of(lines[-1]) == indent:
        return True
    if not body:
        return False
    # In code at the margin, the first line of a block is its shallowest, and only a line that opens a block has a
    # deeper one below it.
    return min(body) > len(indent) or body[0] > min(body) or not _OPENS_BLOCK.search(lines[head - 1])


def _statement_end(lines: Sequence[str]) -> int:
    """Return the number of lines of the first statement, by its parentheses."""
    depth = 0
    for index, line in enumerate(lines):
        depth += sum(line.count(c) for c in "([") - sum(line.count(c) for c in ")]")
        if depth <= 0:
            return index + 1
    return len(lines)


def _in_tabs(lines: Sequence[str]) -> list[str]:
    """Replace each step of spaces by a tab; lines that have tabs already stay as they are."""
    steps = [len(indentation_of(line)) for line in lines if line.startswith(" ")]
    if not steps or any("\t" in indentation_of(line) for line in lines):
        return list(lines)
    tabs = [divmod(len(indentation_of(line)), min(steps)) for line in lines]
    return ["\t" * tab + " " * rest + line.lstrip(" ") for (tab, rest), line in zip(tabs, lines, strict=True)]
