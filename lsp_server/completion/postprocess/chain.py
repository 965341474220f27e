"""The rules in their order."""

from dataclasses import dataclass

from context.documents.snapshot import Snapshot
from inference.api import FinishReason
from lsp_server.completion.postprocess.block_end import within_the_definition
from lsp_server.completion.postprocess.closers import without_surplus_closers
from lsp_server.completion.postprocess.following_lines import without_following_lines
from lsp_server.completion.postprocess.indentation import in_own_style, without_doubled_indentation
from lsp_server.completion.postprocess.invisible import unseen_characters
from lsp_server.completion.postprocess.loops import up_to_loop
from lsp_server.completion.postprocess.place import Place, place_of, with_newlines
from lsp_server.completion.postprocess.repetition import repeats_lines_above, stutters, without_rounds
from lsp_server.completion.postprocess.rest_of_line import without_rest_of_line

_NEAR_CHARACTERS = 10_000  # on either side of the cursor: what is used there may be used in the text


@dataclass(frozen=True)
class Cleaned:
    """The text to insert, or "" and why nothing is worth showing."""

    text: str
    why_nothing: str = ""


def postprocess(text: str, snapshot: Snapshot, finish_reason: FinishReason) -> Cleaned:
    """Cleans what the model wrote at the cursor. Line ends come out as newlines, which editors make their own.

    A model that was stopped, at its limit of lines or, worse, of tokens, would have gone on; one that ended by itself
    meant what it wrote.
    """
    place = place_of(snapshot)
    text = with_newlines(text)
    if not text.strip():
        return Cleaned("", "the model writes nothing")
    if (begun := up_to_loop(text, place.before)) is not None:
        if not begun:
            return Cleaned("", "the model only repeats itself")
        text, finish_reason = begun, "repetition"
    beside = place.above[-_NEAR_CHARACTERS:] + place.below[:_NEAR_CHARACTERS]
    if unseen := unseen_characters(text, beside):
        return Cleaned("", f"it holds invisible control characters ({', '.join(unseen[:4])})")
    if finish_reason == "length":
        if stutters(text):
            return Cleaned("", "the model only repeats itself")
        text = _without_half_line(text)
    if repeats_lines_above(text, place.before, place.lines_above):
        return Cleaned("", "the model only repeats what is there")
    text = without_doubled_indentation(text, place)
    text = in_own_style(text, place)
    if finish_reason in ("lines", "length", "repetition"):
        text = without_rounds(text, place.before)
        within = within_the_definition(text, place)
        if text.strip() and not within.strip():
            return Cleaned("", "the model only goes on with other code")
        text = within
    text = without_following_lines(text, place)
    text = without_rest_of_line(text, place)
    text = without_surplus_closers(text, place)
    text = _without_trailing_space(text, place)
    return Cleaned(text) if text.strip() else Cleaned("", "the model only repeats what is there")


def is_decided(text: str, snapshot: Snapshot) -> bool:
    """Whether what is shown of the text stays the same, however the model goes on."""
    return up_to_loop(with_newlines(text), place_of(snapshot).before) is not None


def _without_half_line(text: str) -> str:
    """Half a line is worse than none, unless it is all there is."""
    whole, newline, _ = text.rpartition("\n")
    return whole if newline and whole.strip() else text


def _without_trailing_space(text: str, place: Place) -> str:
    """Blank lines become empty, and what follows the cursor on its line stays where the text puts it."""
    *lines, last = text.split("\n")
    text = "\n".join([line if line.strip(" \t") else "" for line in lines] + [last])
    if not place.after.strip():
        return text.rstrip()
    if last.strip() or not lines:
        return text
    if _stands_alone(place.after):
        return text
    # Whole lines before a line of the document's: it keeps the indentation that it has.
    return text.rstrip() + "\n" + place.before if not place.before.strip() else text.rstrip("\n")


def _stands_alone(after: str) -> bool:
    """Whether the text puts it on a line of its own on purpose: a closer."""
    return after.lstrip()[:1] in set(")]}<")
