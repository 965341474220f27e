"""Collects the snippets that may matter at the cursor, with reasons and scores. `context.prompt` lays them out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.index.view import View
from context.index.workspace import Workspace
from context.prompt.snippet import Snippet
from context.related import sources
from context.related.cursor import look_around
from context.rules.rules import Verdict, judge_buffer
from midspan import ExcludedError

_MAX_SNIPPETS = 400
_MAX_DEFINITIONS = 150  # so many definitions are looked up and shown
_FADE = 0.5  # a snippet that was placed for another place of the cursor matters less


def collect(
    snapshot: Snapshot,
    workspace: Workspace | None = None,
    edits: Sequence[Edit] = (),
    placed: Sequence[Snippet] = (),
) -> tuple[Snippet, ...]:
    """Return the snippets that may matter at the cursor, the best first.

    Without a workspace, only the open buffers are known. What the prompt before showed, `placed`, may stay as long as
    it is still true, but matters less.
    """
    buffers = [document for document in snapshot.open_documents if _may_show(document, snapshot, workspace)]
    view = workspace.view(buffers) if workspace is not None else View(None, buffers)
    found = _found(snapshot, view, buffers, edits)
    found += _faded(placed, found, view)
    return _best(found, snapshot, view, workspace)


def still_true(
    placed: Iterable[Snippet], buffers: Sequence[Document], workspace: Workspace | None
) -> tuple[Snippet, ...]:
    """Return those of the placed snippets that say what their files say now and may still be shown."""
    shown = [document for document in buffers if judge(document, workspace).included]
    view = workspace.view(shown) if workspace is not None else View(None, shown)
    allowed = (snippet for snippet in placed if workspace is None or workspace.may_name(snippet.path))
    return tuple(_true(allowed, view))


def judge(document: Document, workspace: Workspace | None) -> Verdict:
    """Return the verdict on an editor's text, by the workspace's rules or, without one, by its name and text alone."""
    return workspace.judge(document) if workspace is not None else _judge_alone(document)


def require_included(document: Document, workspace: Workspace | None) -> None:
    """Raise ExcludedError when a rule keeps the document out of every prompt."""
    verdict = judge(document, workspace)
    if not verdict.included:
        raise ExcludedError(document.path, verdict.why)


def _found(snapshot: Snapshot, view: View, buffers: Sequence[Document], edits: Sequence[Edit]) -> list[Snippet]:
    around = look_around(snapshot, view)
    wanted: dict[tuple[str, int], sources.Wanted] = {}
    for definition in (*sources.from_imports(around, view), *sources.from_names(around, view)):
        place = (definition.definition.path, definition.definition.symbol.first_line)
        if place not in wanted or definition.score > wanted[place].score:
            wanted[place] = definition
    ranked = sorted(wanted.values(), key=lambda definition: -definition.score)
    return [
        *(sources.show(definition, around, view) for definition in ranked[:_MAX_DEFINITIONS]),
        *sources.from_similar(around, view),
        *sources.from_counterpart(around, view),
        *sources.from_buffers(around, buffers),
        *sources.from_edits(around, view, edits),
    ]


def _faded(placed: Iterable[Snippet], found: Sequence[Snippet], view: View) -> list[Snippet]:
    """Return the placed snippets that were not found again and are still true, with lower scores."""
    found_texts = {(snippet.path, snippet.text) for snippet in found}
    others = (snippet for snippet in placed if (snippet.path, snippet.text) not in found_texts)
    return [replace(snippet, score=snippet.score * _FADE) for snippet in _true(others, view)]


def _true(snippets: Iterable[Snippet], view: View) -> Iterator[Snippet]:
    """Yield the snippets whose lines their files still hold."""
    lines: dict[str, frozenset[str]] = {}
    for snippet in snippets:
        if snippet.path not in lines:
            lines[snippet.path] = frozenset(line.rstrip() for line in view.whole_text(snippet.path).split("\n"))
        if snippet.lines <= lines[snippet.path]:
            yield snippet


def _best(found: Iterable[Snippet], snapshot: Snapshot, view: View, workspace: Workspace | None) -> tuple[Snippet, ...]:
    """Return the best snippets, one of each text, of files that may be shown now, whatever the index still holds."""
    best: dict[tuple[str, str], Snippet] = {}
    allowed: dict[str, bool] = {snapshot.document.path: False}
    for snippet in sorted(found, key=lambda snippet: (-snippet.score, snippet.path, snippet.first_line)):
        if snippet.path not in allowed:
            allowed[snippet.path] = workspace is None or workspace.may_name(snippet.path)
        if allowed[snippet.path] and snippet.text.strip():
            best.setdefault((snippet.path, snippet.text), snippet)
        if len(best) == _MAX_SNIPPETS:
            break
    required = {path: _required(path, view) for path in {snippet.path for snippet in best.values()}}
    return tuple(replace(snippet, requires=required[snippet.path]) for snippet in best.values())


def _required(path: str, view: View) -> frozenset[str]:
    language = view.language_of(path)
    return frozenset(file for imported in view.imports(path) for file in view.imported_files(imported, path, language))


def _may_show(document: Document, snapshot: Snapshot, workspace: Workspace | None) -> bool:
    if document.path == snapshot.document.path or not document.text.strip():
        return False
    return judge(document, workspace).included


# Buffers other than the current one change rarely, and the rules read all of their text.
@DocumentCache
def _judge_alone(document: Document) -> Verdict:
    reason = judge_buffer(document)
    return Verdict(reason is None, reason or "no rule excludes it")
