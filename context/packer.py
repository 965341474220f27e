"""Packs prompts: finds what matters at a cursor, and lays it out where the prompt before had it."""

from collections.abc import Sequence

from context.documents.document import Document
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.prompt.pack import Budget, Pack, PackedFile, files_of, pack
from context.prompt.placement import Placement
from context.prompt.window import CountTokens
from context.related.collect import collect, judge, still_true
from midspan import DocumentError


class ContextPacker:
    """The prompts that one session asks for in one root; for one thread at a time.

    With `keeps_placement`, a prompt shows other files where the prompt before showed them, and leaves some of their
    room for files to come. Without, every prompt is laid out by itself, and other files take all of their room.
    """

    def __init__(self, workspace: Workspace | None, *, keeps_placement: bool = True) -> None:
        """Without a workspace, only the open buffers are known."""
        self._workspace = workspace
        self._keeps_placement = keeps_placement
        self._placement = Placement()

    def pack(self, snapshot: Snapshot, budget: Budget, count_tokens: CountTokens, edits: Sequence[Edit] = ()) -> Pack:
        """Return the text of the prompt at the cursor.

        Raises DocumentError when a rule keeps the document out of every prompt.
        """
        verdict = judge(snapshot.document, self._workspace)
        if not verdict.included:
            raise DocumentError(f"{snapshot.document.path} is in no prompt: {verdict.why}.")
        return self._pack(snapshot, budget, count_tokens, edits)

    def placed_files(
        self,
        document: Document | None,
        others: Sequence[Document],
        budget: Budget,
        count_tokens: CountTokens,
        edits: Sequence[Edit] = (),
    ) -> tuple[PackedFile, ...]:
        """Return the other files as the last prompt shows them, where they are still true and may still be shown.

        Before the first prompt, the files are placed as for a completion at the end of `document`, which the user
        looks at. `others` are the other open buffers.
        """
        if not self._placement.snippets and document is not None and judge(document, self._workspace).included:
            self._pack(Snapshot(document, len(document.text), tuple(others)), budget, count_tokens, edits)
        buffers = others if document is None else (document, *others)
        return files_of(still_true(self._placement.snippets, buffers, self._workspace))

    def _pack(self, snapshot: Snapshot, budget: Budget, count_tokens: CountTokens, edits: Sequence[Edit]) -> Pack:
        if not self._keeps_placement:
            return pack(snapshot, collect(snapshot, self._workspace, edits), budget, count_tokens)
        placement = self._placement
        revision = self._workspace.revision if self._workspace is not None else 0
        if placement.is_due(snapshot, revision):
            found = collect(snapshot, self._workspace, edits, placement.snippets)
            placement.remember(found, snapshot, revision)
        packed = pack(snapshot, placement.candidates, budget, count_tokens, placement.arrange)
        return placement.mark_moves(packed)
