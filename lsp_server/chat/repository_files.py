"""The repository's files in a chat: the beginning of the last completion's prompt, so that both share the cache."""

from collections.abc import Sequence

from context.documents.document import Document
from context.prompt.pack import Budget
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
    """Return the files as `ContextPacker.placed_files` does, without those whose paths are in `referred`."""
    budget = Budget(source.prompt_tokens)
    placed = source.packer.placed_files(document, others, budget, engine.count_tokens, source.edits)
    files = tuple(ContextFile(file.path, file.text, file.title) for file in placed if file.path not in referred)
    return tuple(fitting(engine, files, source.prompt_tokens))
