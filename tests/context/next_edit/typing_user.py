"""A user at an editor: types character by character, and takes what is proposed."""

from collections.abc import Sequence

from context.documents.document import Document, language_of_text
from context.documents.edits import EditRing
from context.documents.snapshot import Snapshot
from context.index.index import Index
from context.index.view import Answers, View
from context.next_edit.find_next_edits import find_next_edits
from context.next_edit.proposal import Diagnostic, Proposal


class TypingUser:
    """Holds some open buffers and the ring of their edits; the first buffer has the cursor."""

    def __init__(self, files: dict[str, str], index: Index | None = None) -> None:
        self.ring = EditRing()
        self.index = index
        self.buffers = {path: Document(path, text, language_of_text(path, text), 0) for path, text in files.items()}
        self.answers: Answers = {}
        self.path = next(iter(files))
        self.cursor = 0
        self.time_s = 0.0

    @property
    def text(self) -> str:
        return self.buffers[self.path].text

    def become(self, path: str, start: int, end: int, text: str) -> None:
        before = self.buffers[path]
        changed = before.text[:start] + text + before.text[end:]
        after = Document(path, changed, before.language, before.version + 1)
        self.buffers[path] = after
        self.path, self.cursor = path, start + len(text)
        self.time_s += 1
        self.ring.note(before, after, self.time_s)

    def replace(self, old: str, new: str, path: str = "") -> None:
        """Change the only place that has this text, in one step."""
        path = path or self.path
        assert self.buffers[path].text.count(old) == 1, (old, self.buffers[path].text.count(old))
        start = self.buffers[path].text.index(old)
        self.become(path, start, start + len(old), new)

    def propose(self, diagnostics: Sequence[Diagnostic] = ()) -> tuple[Proposal, ...]:
        others = tuple(document for path, document in self.buffers.items() if path != self.path)
        snapshot = Snapshot(self.buffers[self.path], self.cursor, others)
        view = View(self.index, list(self.buffers.values()), self.answers)
        return find_next_edits(snapshot, self.ring.recent(), view, diagnostics)

    def accept(self, proposal: Proposal) -> None:
        assert self.buffers.get(proposal.document.path, proposal.document).text == proposal.document.text
        self.become(*self._place(proposal))

    def _place(self, proposal: Proposal) -> tuple[str, int, int, str]:
        self.buffers.setdefault(proposal.document.path, proposal.document)
        return proposal.document.path, proposal.start, proposal.end, proposal.text

    def accept_all(self, most: int = 500, in_bulk: bool = False) -> int:
        """Take the first proposal until there is none; return how many were taken.

        In bulk, all proposals of the first one's document are taken, the last place first, before more are asked for.
        """
        count = 0
        while count < most:
            found = self.propose()
            if not found:
                return count
            same = [one for one in found if one.document == found[0].document] if in_bulk else [found[0]]
            for proposal in sorted(same, key=lambda one: -one.start):
                self.become(*self._place(proposal))
            count += len(same)
        raise AssertionError("the chain of proposals has no end")
