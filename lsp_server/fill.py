"""From a cursor to what the engine is asked. The server and `midspan complete` both go this way."""

from typing import TYPE_CHECKING

from context.collect import collect
from context.pack import Budget, Pack, pack
from context.snapshot import Snapshot
from inference.prompt import FIM_PROMPT_OVERHEAD_TOKENS, ContextFile, Repository
from inference.request import Request
from lsp_server.settings import Settings

if TYPE_CHECKING:  # the engine's module is loaded after `initialize` is answered
    from inference.any_engine import AnyEngine

# More would take seconds to read on a CPU when the cache is cold.
_PROMPT_TOKENS = 2048


def build_request(engine: "AnyEngine", snapshot: Snapshot, max_lines: int, settings: Settings) -> tuple[Pack, Request]:
    """What is packed, and the request for the hole at the cursor. Raises ModelError when the model has no FIM."""
    context_tokens = engine.info.context_tokens
    new_tokens = min(settings.max_tokens, context_tokens // 4)
    room = context_tokens - new_tokens - FIM_PROMPT_OVERHEAD_TOKENS
    budget = Budget(total_tokens=min(room, _PROMPT_TOKENS))
    packed = pack(snapshot, collect(snapshot), budget, engine.count_tokens)
    prompt = engine.fim_prompt(packed.context, packed.prefix, packed.suffix, _repository(packed, snapshot))
    return packed, Request(prompt, new_tokens, max_lines)


def _repository(packed: Pack, snapshot: Snapshot) -> Repository:
    """The pack again, for models that were trained on files behind separators instead of path comments."""
    files = tuple(ContextFile(file.path, file.text) for file in packed.files)
    return Repository(snapshot.document.path, files, packed.prefix.removeprefix(packed.title))
