"""Packs prompts: finds what matters at a cursor, and lays it out where the prompt before had it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from context.documents.document import Document
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.prompt.pack import Budget, Pack, PackedFile, files_of, pack
from context.prompt.placement import Placement
from context.prompt.window import CountTokens
from context.related.collect import collect, judge, require_included, still_true
from context.related.next_lines import next_lines
from context.secrets.masking import count_masked, mask_document, mask_snapshot

_MAX_RULES = 10_000


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
        self._placeholders: dict[str, frozenset[str]] = {}  # of the secrets in each open document, by the path
        # The rule that found each secret which a prompt may show masked, by the secret's placeholder. Replaced, never
        # changed, so any thread may read it.
        self.mask_rules: Mapping[str, str] = {}

    def pack(self, snapshot: Snapshot, budget: Budget, count_tokens: CountTokens, edits: Sequence[Edit] = ()) -> Pack:
        """Return the text of the prompt at the cursor, in which placeholders stand for secrets.

        Raises ExcludedError when a rule keeps the document out of every prompt.
        """
        require_included(snapshot.document, self._workspace)
        self._forget_pages_of_secrets((snapshot.document, *snapshot.open_documents))
        packed = self._pack(mask_snapshot(snapshot), budget, count_tokens, edits)
        self._learn_rules((snapshot.document, *snapshot.open_documents), {segment.path for segment in packed.segments})
        return replace(packed, masked=count_masked([segment.text for segment in packed.segments], self.mask_rules))

    def pack_alone(self, snapshot: Snapshot, budget: Budget, count_tokens: CountTokens) -> Pack:
        """Return the text of a prompt of the current file alone. The placement stays that of the last `pack`.

        Any thread may call this, at any time. Raises ExcludedError as `pack` does.
        """
        require_included(snapshot.document, self._workspace)
        packed = pack(mask_snapshot(snapshot), (), budget, count_tokens)
        rules = mask_document(snapshot.document).rules
        return replace(packed, masked=count_masked([segment.text for segment in packed.segments], rules))

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
            shown = mask_snapshot(Snapshot(document, len(document.text), tuple(others)))
            self._pack(shown, budget, count_tokens, edits)
        buffers = others if document is None else (document, *others)
        masked = [mask_document(buffer).document for buffer in buffers]
        placed = still_true(self._placement.snippets, masked, self._workspace)
        self._learn_rules(buffers, {snippet.path for snippet in placed})
        return files_of(placed)

    def next_lines(self, snapshot: Snapshot, max_lines: int) -> tuple[str, ...]:
        """Return texts of the repository that may stand at the cursor; the snapshot's secrets are masked."""
        return next_lines(snapshot, self._workspace, max_lines) if self._workspace is not None else ()

    def documents_to_show(self, snapshot: Snapshot) -> list[Document]:
        """Return the other open documents that no rule keeps out of prompts, those used last first."""
        return [document for document in snapshot.open_documents if judge(document, self._workspace).included]

    def _forget_pages_of_secrets(self, documents: Sequence[Document]) -> None:
        """Have kept pages forgotten when a text that was not masked in a document is found to be a secret."""
        is_found = False
        for document in documents:
            found = frozenset(mask_document(document).rules)
            is_found |= not found <= self._placeholders.get(document.path, found)
            self._placeholders[document.path] = found
        if is_found and self._workspace is not None:
            self._workspace.forget_pages()

    def _learn_rules(self, documents: Sequence[Document], paths: Iterable[str]) -> None:
        rules = dict(self._workspace.view().mask_rules(paths)) if self._workspace is not None else {}
        for document in documents:
            rules |= mask_document(document).rules
        if not rules.keys() <= self.mask_rules.keys():
            kept = self.mask_rules if len(self.mask_rules) < _MAX_RULES else {}
            self.mask_rules = {**kept, **rules}

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
