"""The request to the engine for the hole at a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from context.prompt.pack import Budget, Pack
from inference.api import FIM_PROMPT_OVERHEAD_TOKENS, ContextFile, Engine, Repository, Request
from lsp_server.completion.kept_prompts import KeptPrompts
from lsp_server.server.prompt_budget import FIRST_TOKENS
from lsp_server.settings.values import ModelSettings


@dataclass(frozen=True)
class PromptSource:
    """The sources of a prompt beyond the snapshot, and the prompt's length. The packer is for one thread at a time."""

    packer: ContextPacker = field(default_factory=lambda: ContextPacker(None, keeps_placement=False))
    edits: Sequence[Edit] = ()
    prompt_tokens: int = FIRST_TOKENS
    kept_prompts: KeptPrompts = field(default_factory=KeptPrompts)


def build_request(
    engine: Engine,
    snapshot: Snapshot,
    max_lines: int | None,
    settings: ModelSettings,
    source: PromptSource,
) -> tuple[Pack, Request]:
    """Return the pack, and the request for the hole at the cursor.

    Raises ModelError when the model has no FIM, DocumentError when a rule keeps the document out of every prompt.
    """
    context_tokens = engine.describe().context_tokens
    new_tokens = min(settings.max_tokens, context_tokens // 4)
    room = context_tokens - new_tokens - FIM_PROMPT_OVERHEAD_TOKENS
    budget = Budget(total_tokens=min(room, source.prompt_tokens))
    page_folder = source.kept_prompts.folder()
    packed = source.packer.pack(snapshot, budget, engine.count_tokens, source.edits)
    begun = engine.begun_word(packed.prefix)
    prefix = packed.prefix.removesuffix(begun)
    files = tuple(ContextFile(file.path, file.text, file.title) for file in packed.files)
    # The pack again, for models that were trained on files behind separators instead of path comments.
    repository = Repository(snapshot.document.path, files, prefix.removeprefix(packed.title))
    prompt = engine.fim_prompt(packed.context, prefix, packed.suffix, repository)
    kept_pages = source.kept_prompts.keep(packed, page_folder)
    return packed, Request(prompt, new_tokens, max_lines, begins_with=begun, kept_pages=kept_pages)
