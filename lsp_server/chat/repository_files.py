"""What a chat is told of the repository: what the last completion's prompt began with, so that both find it cached."""

from collections.abc import Sequence

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.prompt.pack import Budget, files_of, pack
from context.prompt.placement import Placement
from context.related.collect import collect, judge, placed_now
from inference.api import ContextFile, Engine
from lsp_server.chat.chat_request import fitting
from lsp_server.completion.build_request import PromptSource


def repository_files(
    engine: Engine,
    document: Document | None,
    others: Sequence[Document],
    source: PromptSource,
    referred: frozenset[str],
) -> tuple[ContextFile, ...]:
    """As `source.placement` has them, without those of the paths in `referred`.

    Where nothing is placed yet, they are laid out around the `document` that is looked at, as a completion at its end
    would do it. `others` are the other buffers.
    """
    placement = source.placement or Placement()
    buffers = tuple(others) if document is None else (document, *others)
    if not placement.snippets and document is not None and judge(document, source.workspace).included:
        snapshot = Snapshot(document, len(document.text), tuple(others))
        snippets = collect(snapshot, source.workspace, source.edits, placement)
        pack(snapshot, snippets, Budget(source.prompt_tokens), engine.count_tokens, placement)
    placed = placed_now(placement, buffers, source.workspace)
    files = (ContextFile(file.path, file.text, file.title) for file in files_of(placed) if file.path not in referred)
    return tuple(fitting(engine, tuple(files), source.prompt_tokens))
