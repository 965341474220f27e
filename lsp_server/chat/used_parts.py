"""The parts of files that an answer was given, as midspan/chat names them to the client."""

from dataclasses import dataclass
from typing import Any

from context.question.parts import PartKind


@dataclass(frozen=True)
class UsedPart:
    """Some lines of a file that stand in the prompt. Lines count from 0, `last_line` included."""

    path: str
    uri: str
    first_line: int
    last_line: int
    kind: PartKind
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return the part with the names of the protocol."""
        return {
            "path": self.path,
            "uri": self.uri,
            "firstLine": self.first_line,
            "lastLine": self.last_line,
            "kind": self.kind,
            "why": self.why,
        }
