"""The request to the engine for the hole at a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from context.prompt.pack import Budget, Pack
from inference.api import FIM_PROMPT_OVERHEAD_TOKENS, ContextFile, Engine, Prompt, Repository, Request
from lsp_server.completion.find_drafts import find_drafts, stands_alone
from lsp_server.completion.kept_prompts import KeptPrompts
from lsp_server.completion.triggers import BLOCK_LINES
from lsp_server.server.prompt_budget import FIRST_TOKENS
from lsp_server.settings.values import CompletionSettings

_QUICK_BELOW = 2  # a whole prompt that is not so many times longer needs no quick one


@dataclass(frozen=True)
class PromptSource:
    """The sources of a request beyond the snapshot, and the prompt's length. The packer is for one thread at a time.

    `predicted` are texts that the model wrote at this place before.
    """

    packer: ContextPacker = field(default_factory=lambda: ContextPacker(None, keeps_placement=False))
    edits: Sequence[Edit] = ()
    prompt_tokens: int = FIRST_TOKENS
    predicted: tuple[str, ...] = ()
    kept_prompts: KeptPrompts = field(default_factory=KeptPrompts)
    quick_tokens: int | None = None  # the length of the quick prompt beside the whole one; None: there is none


def build_request(
    engine: Engine,
    snapshot: Snapshot,
    max_lines: int | None,
    settings: CompletionSettings,
    source: PromptSource,
) -> tuple[Pack, Request]:
    """Return the pack, and the request for the hole at the cursor.

    Raises ModelError when the model has no FIM, DocumentError when a rule keeps the document out of every prompt.
    """
    new_tokens, room = _room(engine, settings)
    page_folder = source.kept_prompts.folder()
    packed = source.packer.pack(snapshot, Budget(min(room, source.prompt_tokens)), engine.count_tokens, source.edits)
    prompt, begun = _prompt(engine, snapshot, packed)
    quick = None
    if source.quick_tokens is not None and prompt.num_tokens > _QUICK_BELOW * source.quick_tokens:
        alone = source.packer.pack_alone(snapshot, Budget(source.quick_tokens), engine.count_tokens)
        shorter, same_begun = _prompt(engine, snapshot, alone)
        quick = shorter if same_begun == begun else None
    most, with_renamed = max_lines or BLOCK_LINES, settings.scores_known_lines
    drafts = find_drafts(engine, snapshot, source.packer, source.predicted, begun, most, with_renamed=with_renamed)
    return packed, Request(
        prompt,
        new_tokens,
        max_lines,
        drafts=drafts,
        begins_with=begun,
        kept_pages=source.kept_prompts.keep(packed, page_folder),
        quick_prompt=quick,
        may_copy=_may_copy(engine, settings),
        stands_alone=stands_alone(packed, drafts),
    )


def build_quick_request(
    engine: Engine,
    snapshot: Snapshot,
    max_lines: int | None,
    settings: CompletionSettings,
    source: PromptSource,
) -> tuple[Pack, Request]:
    """Return the same from the text at the cursor alone, in `quick_tokens`: nothing is looked for in other files.

    Any thread may call this while the packer packs. Raises as `build_request` does.
    """
    new_tokens, room = _room(engine, settings)
    quick_tokens = source.quick_tokens or source.prompt_tokens
    packed = source.packer.pack_alone(snapshot, Budget(min(room, quick_tokens)), engine.count_tokens)
    prompt, begun = _prompt(engine, snapshot, packed)
    may_copy = _may_copy(engine, settings)
    return packed, Request(prompt, new_tokens, max_lines, begins_with=begun, may_copy=may_copy, stands_alone=True)


def _room(engine: Engine, settings: CompletionSettings) -> tuple[int, int]:
    """Return the most tokens of the output, and those that the model's context leaves for the prompt."""
    context_tokens = engine.describe().context_tokens
    new_tokens = min(settings.max_tokens, context_tokens // 4)
    return new_tokens, context_tokens - new_tokens - FIM_PROMPT_OVERHEAD_TOKENS


def _may_copy(engine: Engine, settings: CompletionSettings) -> bool:
    return settings.copy and engine.describe().copies


def _prompt(engine: Engine, snapshot: Snapshot, packed: Pack) -> tuple[Prompt, str]:
    """Return the prompt of a pack, and the begun word that it leaves out."""
    begun = engine.begun_word(packed.prefix)
    prefix = packed.prefix.removesuffix(begun)
    files = tuple(ContextFile(file.path, file.text, file.title) for file in packed.files)
    # The pack again, for models that were trained on files behind separators instead of path comments.
    repository = Repository(snapshot.document.path, files, prefix.removeprefix(packed.title))
    return engine.fim_prompt(packed.context, prefix, packed.suffix, repository), begun
