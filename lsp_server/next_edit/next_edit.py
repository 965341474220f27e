"""A next edit: one change of one document, its source, and the model's or the rule's confidence."""

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

from context.documents.difference import find_change
from context.documents.document import Document
from context.next_edit.proposal import Proposal


class Source(IntEnum):
    """The source of a next edit, the surest first."""

    RULE = 0
    TRAINED_MODEL = 1
    ANY_MODEL = 2


@dataclass(frozen=True)
class NextEdit:
    """`text` in place of the characters from `start` up to `end` of this very state of a document.

    `why` names the rule or the model. `confidence` is from 0 to 1.
    """

    document: Document
    start: int
    end: int
    text: str
    source: Source
    why: str
    confidence: float

    @property
    def replaced(self) -> str:
        return self.document.text[self.start : self.end]

    @cached_property
    def changed(self) -> Document:
        """The document after the edit."""
        text = self.document.text
        return replace(self.document, text=text[: self.start] + self.text + text[self.end :])

    @property
    def first_line(self) -> int:
        return self.document.position_at(self.start)[0]

    @cached_property
    def least(self) -> tuple[int, int, str]:
        """The same edit without what it leaves as it is: where it starts, where it ends, and its text."""
        change = find_change(self.replaced, self.text)
        return self.start + change.start, self.start + change.old_end, self.text[change.start : change.new_end]


def from_proposal(proposal: Proposal) -> NextEdit:
    """Return the proposal of a rule as a next edit, with the line ends of its document."""
    text = proposal.text.replace("\r\n", "\n")
    if "\r\n" in proposal.document.text:
        text = text.replace("\n", "\r\n")
    confidence = proposal.confidence
    return NextEdit(proposal.document, proposal.start, proposal.end, text, Source.RULE, proposal.rule.value, confidence)
