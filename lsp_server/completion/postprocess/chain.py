"""The rules in the order in which they clean a text."""

from dataclasses import dataclass

from context.documents.snapshot import Snapshot
from inference.api import FinishReason, IsOver
from lsp_server.completion.postprocess.block_end import goes_on_with_other_code, without_next_definition
from lsp_server.completion.postprocess.closers import without_surplus_closers
from lsp_server.completion.postprocess.following_lines import without_following_lines
from lsp_server.completion.postprocess.indentation import (
    is_unexpectedly_indented,
    with_document_indentation,
    without_doubled_indentation,
)
from lsp_server.completion.postprocess.left_block import has_left_block, without_left_block
from lsp_server.completion.postprocess.left_text import has_left_text, without_left_text
from lsp_server.completion.postprocess.loops import completes_loop, up_to_loop
from lsp_server.completion.postprocess.place import Place, place_of, with_newlines
from lsp_server.completion.postprocess.prose import prose_begins_at, without_prose
from lsp_server.completion.postprocess.repetition import repeats_lines_above, stutters, without_repeated_lines
from lsp_server.completion.postprocess.rest_of_line import without_rest_of_line
from lsp_server.completion.postprocess.unseen_characters import unseen_characters
from lsp_server.telemetry.outcome import Outcome

_HALF_CHARACTER = "\ufffd"  # how an output ends whose last token has only a part of a character's bytes
_NEAR_CHARACTERS = 10_000  # on either side of the cursor: the text may hold unseen characters that stand there


@dataclass(frozen=True)
class Cleaned:
    """The text to insert, or "" and an outcome that says why nothing is worth showing."""

    text: str
    outcome: Outcome = Outcome.SHOWN
    detail: str = ""


def postprocess(text: str, snapshot: Snapshot, finish_reason: FinishReason) -> Cleaned:
    """Clean the model's text at the cursor. Line ends become newlines, which editors convert to the document's.

    The finish reason matters: a model that ended by itself meant its text as it is, while one that was stopped at a
    limit of lines or tokens would have written more.
    """
    place = place_of(snapshot)
    text = with_newlines(text)
    if not text.strip():
        return Cleaned("", Outcome.EMPTY)
    if (begun := up_to_loop(text, place.before)) is not None:
        if not begun:
            return Cleaned("", Outcome.LOOP)
        text, finish_reason = begun, "over"
    spoken, text = text, without_prose(text, place)
    if not text.strip():
        return Cleaned("", Outcome.PROSE)
    if text != spoken:
        finish_reason = "over"
    beside = place.above[-_NEAR_CHARACTERS:] + place.below[:_NEAR_CHARACTERS]
    if unseen := unseen_characters(text, beside):
        return Cleaned("", Outcome.UNSEEN_CHARACTERS, ", ".join(unseen[:4]))
    if finish_reason == "length":
        if stutters(text):
            return Cleaned("", Outcome.LOOP)
        text = _without_half_line(text).removesuffix(_HALF_CHARACTER)
    if repeats_lines_above(text, place.before, place.lines_above):
        return Cleaned("", Outcome.REPETITION)
    if is_unexpectedly_indented(text, place):
        return Cleaned("", Outcome.OTHER_CODE)
    text = without_doubled_indentation(text, place)
    text = with_document_indentation(text, place)
    is_stopped = finish_reason in ("lines", "length", "over")
    if is_stopped:
        text = without_repeated_lines(text, place.before)
    within = without_left_text(without_left_block(text, place, is_stopped=is_stopped), place, is_stopped=is_stopped)
    if is_stopped:
        within = without_next_definition(within, place)
    if text.strip() and not within.strip():
        return Cleaned("", Outcome.OTHER_CODE)
    text = within
    text = without_following_lines(text, place)
    text = without_rest_of_line(text, place)
    text = without_surplus_closers(text, place)
    text = _without_trailing_space(text, place)
    return Cleaned(text) if text.strip() else Cleaned("", Outcome.REPETITION)


def end_of_shown(snapshot: Snapshot) -> IsOver:
    """Return the check of a growing output at the cursor: all that comes next would be cut.

    After a loop, or a sentence to a reader, that is certain. After other code, or outside of the cursor's block, it is
    not: a model that ended by itself there would have meant it. Of the outputs of models that were recorded, none did.

    The check runs on the engine's thread for each token. It looks at whole lines alone, and reads no syntax tree, which
    takes milliseconds.
    """
    place = place_of(snapshot)

    def is_over(text: str, begins_at: int) -> bool:
        written, begins_at = with_newlines(text), len(with_newlines(text[:begins_at]))
        if completes_loop(written, begins_at, place.before) or prose_begins_at(written, place) is not None:
            return True
        if "\n" not in written[begins_at:]:
            return False
        lines = written[: written.rfind("\n") + 1]
        return goes_on_with_other_code(lines, place) or has_left_block(lines, place) or has_left_text(lines, place)

    return is_over


def _without_half_line(text: str) -> str:
    """Drop an unfinished last line, unless the text has no other line."""
    whole, newline, _ = text.rpartition("\n")
    return whole if newline and whole.strip() else text


def _without_trailing_space(text: str, place: Place) -> str:
    """Empty the blank lines, but keep the place that the text gives to the rest of the cursor's line."""
    *lines, last = text.split("\n")
    text = "\n".join([line if line.strip(" \t") else "" for line in lines] + [last])
    if not place.after.strip():
        return text.rstrip()
    if last.strip() or not lines:
        return text
    if _stands_alone(place.after):
        return text
    # The text is whole lines above a line of the document, which keeps its indentation.
    return text.rstrip() + "\n" + place.before if not place.before.strip() else text.rstrip("\n")


def _stands_alone(after: str) -> bool:
    """Return whether the rest of the line is a closer, which the text may put on a line of its own."""
    return after.lstrip()[:1] in set(")]}<")
