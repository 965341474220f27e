"""A proposal of a next edit, and the diagnostics that a rule may read."""

from dataclasses import dataclass
from enum import Enum

from context.documents.document import Document


class Rule(Enum):
    """The rule that found a next edit, the surest first."""

    RENAME = "rename"
    REPEATED = "repeated change"
    SIGNATURE = "signature"
    IMPORT = "import"
    FIELD = "field"
    DIAGNOSTIC = "diagnostic"


@dataclass(frozen=True)
class Proposal:
    """A place to change: `text` in place of the characters from `start` up to `end` of `document`.

    The offsets are of this very state of the document, which may be a buffer or a file that no editor has open.
    `confidence` is the share of such proposals that is right, from 0 to 1.
    """

    document: Document
    start: int
    end: int
    text: str
    rule: Rule
    confidence: float

    def touches(self, other: "Proposal") -> bool:
        """Return whether both change the same place of a document, or places with nothing between them."""
        is_same = self.document.path == other.document.path
        return is_same and self.start <= other.end and other.start <= self.end


@dataclass(frozen=True)
class Diagnostic:
    """A language server's message about the characters from `start` up to `end` of the snapshot's document."""

    start: int
    end: int
    message: str
    code: str
    source: str
