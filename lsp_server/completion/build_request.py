"""From a cursor to what the engine is asked. The server and `midspan complete` both go this way."""

from collections.abc import Sequence
from dataclasses import dataclass

from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.prompt.pack import Budget, Pack, pack
from context.prompt.placement import Placement
from context.related.collect import collect, judge
from inference.api import FIM_PROMPT_OVERHEAD_TOKENS, ContextFile, Engine, Repository, Request
from lsp_server.server.prompt_budget import FIRST_TOKENS
from lsp_server.settings.values import ModelSettings
from midspan import DocumentError


@dataclass(frozen=True)
class PromptSource:
    """What a prompt is made of beyond the snapshot, and its length. The placement is for one thread at a time."""

    workspace: Workspace | None = None
    edits: Sequence[Edit] = ()
    placement: Placement | None = None
    prompt_tokens: int = FIRST_TOKENS


def build_request(
    engine: Engine,
    snapshot: Snapshot,
    max_lines: int | None,
    settings: ModelSettings,
    source: PromptSource,
) -> tuple[Pack, Request]:
    """What is packed, and the request for the hole at the cursor.

    Raises ModelError when the model has no FIM, DocumentError when a rule keeps the document out of every prompt.
    """
    verdict = judge(snapshot.document, source.workspace)
    if not verdict.included:
        raise DocumentError(f"{snapshot.document.path} is in no prompt: {verdict.why}")
    context_tokens = engine.info.context_tokens
    new_tokens = min(settings.max_tokens, context_tokens // 4)
    room = context_tokens - new_tokens - FIM_PROMPT_OVERHEAD_TOKENS
    budget = Budget(total_tokens=min(room, source.prompt_tokens))
    snippets = collect(snapshot, source.workspace, source.edits, source.placement)
    packed = pack(snapshot, snippets, budget, engine.count_tokens, source.placement)
    begun = engine.begun_word(packed.prefix)
    prefix = packed.prefix.removesuffix(begun)
    files = tuple(ContextFile(file.path, file.text, file.title) for file in packed.files)
    # The pack again, for models that were trained on files behind separators instead of path comments.
    repository = Repository(snapshot.document.path, files, prefix.removeprefix(packed.title))
    prompt = engine.fim_prompt(packed.context, prefix, packed.suffix, repository)
    return packed, Request(prompt, new_tokens, max_lines, begins_with=begun)
