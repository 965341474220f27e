"""The door: finds the places that have to change after the user's last edits, by rule."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.index.view import View
from context.next_edit.by_example import find_by_example
from context.next_edit.diagnosed import find_diagnosed
from context.next_edit.missing_imports import find_missing_imports
from context.next_edit.names.prefixed import names_to_prefix
from context.next_edit.proposal import Diagnostic, Proposal, Rule
from context.next_edit.rename import find_member_renames, find_renames
from context.next_edit.repeated import find_repeated
from context.next_edit.replacements import find_replacements, typed_spans
from context.next_edit.signature import find_calls_to_change
from context.next_edit.unused_imports import find_unused_imports
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from context.syntax.imports import find_imports
from context.syntax.kept_syntax import keeps_syntax

_GIVEN = re.compile(r"[ \t]*(?:(?:const|let|var)[ \t]+)?(?P<name>[\w.]+)[ \t]*:?=[ \t]*(?P<value>[\w.]+);?[ \t]*")
_PREFIX, _NAME = re.compile(r"([^\W\d]\w*)\."), re.compile(r"[^\W\d]\w*")
_PREFIXED = 0.85
_PREFIX_EDITS = 12
_MAX_PROPOSALS = 20
_ENOUGH = 3  # proposals: less sure rules are not asked for more


def find_next_edits(
    snapshot: Snapshot, edits: Sequence[Edit], view: View | None, diagnostics: Sequence[Diagnostic] = ()
) -> tuple[Proposal, ...]:
    """Return the next edits, the best first. `edits` are the last ones, the most recent first, as `EditRing` has them.

    Without a view, only the open documents are known.
    """
    documents = (snapshot.document, *snapshot.open_documents)
    files = WorkspaceFiles(documents, view)
    found: list[Proposal] = []
    surest = (
        partial(find_renames, edits, snapshot, files),
        partial(find_calls_to_change, edits, files),
        partial(find_member_renames, edits, snapshot, files),
        partial(find_missing_imports, edits, snapshot, files),
    )
    for find in surest:
        if len(found) < _ENOUGH:
            found += _beside(found, find())
    found = found or _find_prefixed(edits, snapshot) or find_repeated(edits, files)
    found = found or find_diagnosed(diagnostics, snapshot, files)
    if len(found) < _ENOUGH:
        found += _beside(found, find_unused_imports(edits, snapshot))
    found += find_by_example(edits, snapshot, files)
    typed = {document.path: typed_spans(edits, document) for document in documents}
    found = [
        one for one in found if one.rule == Rule.DIAGNOSTIC or not _is_just_typed(one, typed.get(one.document.path, ()))
    ]
    found = [
        one
        for one in found
        if one.rule != Rule.REPEATED
        or (keeps_syntax(one.document, one.start, one.end, one.text) and not _gives_itself(one))
    ]
    return tuple(sorted(_surest(found), key=lambda proposal: _distance(proposal, snapshot)))[:_MAX_PROPOSALS]


def _find_prefixed(edits: Sequence[Edit], snapshot: Snapshot) -> list[Proposal]:
    """Return the names of one module that still lack the prefix which several others of it got."""
    document = snapshot.document
    changes = find_replacements(edits[:_PREFIX_EDITS], [document])
    done: dict[str, set[str]] = {}
    for change in changes:
        added, name = _PREFIX.fullmatch(change.new), _NAME.match(document.text, change.end)
        if added and name and not change.old:
            done.setdefault(added[1], set()).add(name[0])
    prefix = next((one for one, names in done.items() if len(names) > 1), None)
    if prefix is None:
        return []
    old = ("".join(edit.old_lines) for edit in edits if edit.is_of(document))
    removed = [imported for text in old for imported in find_imports(document.language, text)]
    replaced = {change.old for change in changes}
    return [
        Proposal(document, one.start, one.end, f"{prefix}.{one.name}", Rule.REPEATED, _PREFIXED)
        for one in names_to_prefix(document, prefix, done[prefix], removed, snapshot.cursor)
        if one.name not in replaced
    ]


def _beside(found: Sequence[Proposal], others: Sequence[Proposal]) -> list[Proposal]:
    """Return those of the others that change nothing that is already found."""
    return [other for other in others if not any(map(other.touches, found))]


def _surest(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the proposals without those that change what a surer one changes too.

    What several rules say is as sure as the surest of them, and the first one gives it its name.
    """
    said: dict[tuple[str, int, int, str], Proposal] = {}
    for one in proposals:
        first = said.setdefault((one.document.path, one.start, one.end, one.text), one)
        if one.confidence > first.confidence:
            said[one.document.path, one.start, one.end, one.text] = replace(first, confidence=one.confidence)
    found: list[Proposal] = []
    for one in sorted(said.values(), key=lambda proposal: -proposal.confidence):
        found += _beside(found, [one])
    return found


def _is_just_typed(proposal: Proposal, spans: Sequence[tuple[int, int]]) -> bool:
    """Return whether the proposal would change what the user has just typed."""
    return any(proposal.start < end and start < proposal.end for start, end in spans if proposal.start < proposal.end)


def _gives_itself(proposal: Proposal) -> bool:
    """Return whether the proposal makes a line that gives a name its own value: there the old code says what it is."""
    document, start, end = proposal.document, proposal.start, proposal.end
    first, last = (document.position_at(offset)[0] for offset in (start, end))
    before, behind = document.text[document.line_starts[first] : start], document.text[end : document.line_end(last)]
    given = _GIVEN.fullmatch(f"{before}{proposal.text}{behind}")
    return given is not None and given["name"] == given["value"]


def _distance(proposal: Proposal, snapshot: Snapshot) -> tuple[bool, str, bool, int]:
    """Return a sort key: first the places behind the cursor, then those before it, then those of other documents."""
    is_other = proposal.document.path != snapshot.document.path
    is_before = not is_other and proposal.start < snapshot.cursor
    return is_other, proposal.document.path if is_other else "", is_before, proposal.start
