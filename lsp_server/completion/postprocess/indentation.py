"""Convert the text's indentation to the document's: tabs or spaces, and their width."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from context.documents.indentation import indentation_of
from lsp_server.completion.postprocess.block_words import has_block_words
from lsp_server.completion.postprocess.lexing import is_known, lex
from lsp_server.completion.postprocess.place import Place

_OPENS_BLOCK = re.compile(r"(?:[:{(\[]|=>|->|\b(?:do|then|else|begin))\s*(?:(?:#|//).*)?$")
_GOES_ON = re.compile(
    r"(?:[:{(\[,\\=+\-*/|&<>?.%^~]|=>|->|\b(?:do|then|else|begin|and|or|not|in|is|if|return|try|finally))\s*(?:(?:#|//).*)?$"
)
_MAY_END_LINES = re.compile(r"\"\"\"|\'\'\'|^\s*[)\]}]")  # of a string or brackets that began on another line
_BEGINS_AS_CONTINUATION = re.compile(r"[.?:|&+\-*/=<>,)\]}]")
_CONDITIONS_HAVE_BLOCKS = {"go", "python", "rust", "swift"}  # elsewhere one statement may follow a condition
_STYLE_LINES = 400  # above and below the cursor; more lines tell nothing new
_LEAST_STEPS = 3
_SURE_SHARE = 0.9
_WIDTHS = (4, 2, 8, 3)


@dataclass(frozen=True)
class Style:
    """Tabs or spaces. `width` is the columns of a step of spaces; 0 with tabs, or for an unknown width."""

    tabs: bool
    width: int


def style_of(lines: Sequence[str]) -> Style | None:
    """Return the style of indented lines; None where the lines disagree or are too few."""
    indented = [line for line in lines if line[:1] in (" ", "\t") and line.strip()]
    with_tabs = sum(line.startswith("\t") for line in indented)
    # One space is no step: " *" begins the lines of a comment in files with tabs too.
    with_spaces = sum(line.startswith("  ") for line in indented)
    if with_tabs >= _LEAST_STEPS and with_tabs >= _SURE_SHARE * (with_tabs + with_spaces):
        return Style(tabs=True, width=0)
    if with_tabs or with_spaces < _LEAST_STEPS:
        return None
    steps: Counter[int] = Counter()
    filled = [line for line in lines if line.strip()]
    for line, following in pairwise(filled):
        step = len(indentation_of(following)) - len(indentation_of(line))
        if step > 0 and line.rstrip().endswith((":", "{")):
            steps[step] += 1
    if not steps:
        return Style(tabs=False, width=0)
    width, count = steps.most_common(1)[0]
    sure = count >= _LEAST_STEPS and count >= _SURE_SHARE * steps.total()
    return Style(tabs=False, width=width if sure else 0)


def with_document_indentation(text: str, place: Place) -> str:
    """Indent all lines but the first with the document's tabs or spaces, and its width of a step."""
    if not any(line[:1] in (" ", "\t") and line.strip() for line in text.split("\n")[1:]):
        return text
    if place.language == "makefile":
        return text  # tabs and spaces mean different things there
    style = style_of([*place.lines_above[-_STYLE_LINES:], *place.lines_below[:_STYLE_LINES]])
    if style is None:
        return text
    first, *rest = text.split("\n")
    indentations = [indentation_of(line) for line in rest if line.strip()]
    if style.tabs and all("\t" not in indentation for indentation in indentations):
        converted = _with_tabs(first, rest, place)
    elif not style.tabs and style.width and all(" " not in indentation for indentation in indentations):
        converted = [_stepped(line, {"\t": " " * style.width}) for line in rest]
    elif not style.tabs and style.width and not any("\t" in indentation for indentation in indentations):
        converted = _with_width(first, rest, style.width, place)
    else:
        return text
    if converted == rest or place.lexed_above.open_string or _has_long_string(text):
        return text
    return "\n".join([first, *converted])


def _has_long_string(text: str) -> bool:
    return any(quote in text for quote in ('"""', "'''", "`", "<<"))


def _with_tabs(first: str, rest: Sequence[str], place: Place) -> list[str]:
    """Replace spaces by tabs, with the width that puts the first indented line at its depth."""
    depth = indentation_of(place.before + first).count("\t")
    leads = [len(indentation_of(line)) for line in rest if line.strip()]
    deepest = depth + 1 if _OPENS_BLOCK.search(place.before + first) else depth
    for width in _WIDTHS:
        if all(lead % width == 0 for lead in leads) and leads[0] // width <= deepest:
            return [_stepped(line, {" " * width: "\t"}) for line in rest]
    return list(rest)


def _stepped(line: str, steps: dict[str, str]) -> str:
    indentation = indentation_of(line)
    if not line.strip():
        return line
    for old, new in steps.items():
        indentation = indentation.replace(old, new)
    return indentation + line.lstrip(" \t")


def _with_width(first: str, rest: Sequence[str], width: int, place: Place) -> list[str]:
    """Change the width of all steps to `width`, if the text's blocks agree on another width."""
    base = len(indentation_of(place.before + first))
    lines = [place.before + first, *[line for line in rest if line.strip()]]
    steps = set()
    for line, following in pairwise(lines):
        if _opens_plain_block(line, place.language):
            steps.add(len(indentation_of(following)) - len(indentation_of(line)))
    if len(steps) != 1 or (step := steps.pop()) == width or step not in _WIDTHS:
        return list(rest)
    leads = [len(indentation_of(line)) - base for line in rest if line.strip()]
    if any(lead < 0 or lead % step for lead in leads):
        return list(rest)
    return [
        " " * (base + (len(indentation_of(line)) - base) // step * width) + line.lstrip(" ") if line.strip() else line
        for line in rest
    ]


def _opens_plain_block(line: str, language: str) -> bool:
    """Return whether a line opens a block of statements: other rules indent tables and arguments."""
    line = line.rstrip()
    opened = lex(line, language).opened
    return line.endswith(":") and not opened if language == "python" else line.endswith("{") and len(opened) == 1


def without_doubled_indentation(text: str, place: Place) -> str:
    """Remove indentation that stands before the cursor already from the first line.

    The indentation counts as doubled where the line would be deeper than the line above, or the block that it opens.
    """
    indentation = indentation_of(text)
    if not indentation or not place.before or place.before.strip():
        return text
    if not is_known(place.language) or has_block_words(place.language):
        return text
    above = next((line for line in reversed(place.lines_above) if line.strip()), "")
    content = text[len(indentation) :]
    if not above or not content or content.startswith("\n") or _BEGINS_AS_CONTINUATION.match(content):
        return text
    if not _is_too_deep(place.before, indentation, above, place):
        return text
    lexed = place.lexed_above
    tables = "([{" if place.language == "python" else "(["
    if lexed.open_string or any(place.above[opener] in tables for opener in lexed.opened):
        return text
    return _shifted(content, indentation, place)


def is_unexpectedly_indented(text: str, place: Place) -> bool:
    """Return whether Python refuses the indentation of a text at the start of an empty line, whatever it says.

    The text is deeper than the line above, which opens no block. Where a string or a bracket may reach over lines, this
    is False.
    """
    if place.language != "python" or place.before or not text[:1].isspace():
        return False
    first = next((line for line in text.split("\n") if line.strip()), "")
    above = next(
        (line for line in reversed(place.lines_above) if line.strip() and not line.lstrip().startswith("#")), ""
    )
    if (
        len(indentation_of(first)) <= len(indentation_of(above))
        or _MAY_END_LINES.search(above)
        or _GOES_ON.search(above)
    ):
        return False
    return not (place.lexed_above.open_string or place.lexed_above.opened)


def _is_too_deep(before: str, indentation: str, above: str, place: Place) -> bool:
    deepest = indentation_of(above)
    if place.language not in _CONDITIONS_HAVE_BLOCKS and above.rstrip().endswith(")"):
        return False
    if _GOES_ON.search(above):
        style = style_of(place.lines_above[-_STYLE_LINES:])
        if style is None or not re.search(r"[:{]\s*$", above) or not (style.tabs or style.width):
            return False
        deepest += "\t" if style.tabs else " " * style.width
    return deepest.startswith(before) and len(before + indentation) > len(deepest)


def _shifted(content: str, indentation: str, place: Place) -> str:
    """Shift the other lines with the first, if all of them are indented as deep as the doubled indentation."""
    first, *rest = content.split("\n")
    below = place.before + indentation
    depths = [len(indentation_of(line)) for line in rest if line.strip()]
    if not depths or not all(line.startswith(below) for line in rest if line.strip()):
        return content
    if _OPENS_BLOCK.search(first) and depths[0] <= len(below):
        return content
    return "\n".join([first, *[place.before + line[len(below) :] if line.strip() else line for line in rest]])
