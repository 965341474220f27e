"""`midspan context`: what a prompt would hold at a place and why, and which rule decides on a file."""

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

from context.documents.document import relative_path
from context.packer import ContextPacker
from context.prompt.pack import Budget, Pack, Segment
from context.rules.rules import Rules
from inference.local_engine import BUILTIN_MODEL
from inference.models.config_json import read_config_json
from inference.prompts.families import family_of
from inference.prompts.tokenizer import Tokenizer
from inference.remote.address import RemoteAddress
from inference.remote.token_estimate import estimate_tokens
from inference.store.model_store import find_folder, user_store
from lsp_server.cli.complete_command import root_of, snapshot_at
from lsp_server.cli.index_command import Bar
from lsp_server.cli.output.ghost_text_view import visible
from lsp_server.server.prompt_budget import FIRST_TOKENS
from lsp_server.server.shared_workspaces import start_workspace
from lsp_server.settings.values import ModelSettings, Settings
from lsp_server.telemetry.log_setup import set_up_logging
from midspan import DocumentError

_WAIT_SECONDS = 600.0
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def show_context(place: str, settings: Settings, budget_tokens: int | None, *, as_json: bool) -> int:
    """Prints the pack at FILE:LINE:COL, with the model's tokenizer and without the model. Raises MidspanError."""
    set_up_logging(logging.WARNING)
    snapshot = snapshot_at(place)
    tokenizer = _tokenizer(settings.completion)
    count = tokenizer.count if tokenizer is not None else estimate_tokens
    budget = Budget(budget_tokens or FIRST_TOKENS)
    workspace = start_workspace(root_of(Path(place.rsplit(":", 2)[0])), Bar().draw)
    try:
        if workspace is not None:
            workspace.wait_until_settled(_WAIT_SECONDS)
        packed = ContextPacker(workspace, keeps_placement=False).pack(snapshot, budget, count)
    finally:
        if workspace is not None:
            workspace.close()
    begun = tokenizer.begun_word(packed.prefix) if tokenizer is not None else ""
    if as_json:
        print(json.dumps({"budget_tokens": budget.total_tokens, "begins_with": begun, **asdict(packed)}))
    else:
        print(_in_words(packed, budget, in_color=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
        if begun:
            print(f"{begun!r} is no part of the prompt: the answer has to begin with it")
    return 0


def _tokenizer(settings: ModelSettings) -> Tokenizer | None:
    """The model's, without the model; None where only a server has it. Raises ModelError."""
    if isinstance(settings.model, RemoteAddress):
        return None
    folder = find_folder(user_store(), settings.model) if settings.model else BUILTIN_MODEL
    return Tokenizer(folder, family_of(read_config_json(folder).get("model_type"), folder))


def explain_file(path: Path, *, as_json: bool) -> int:
    """Prints which rule lets a file in or keeps it out. Raises DocumentError for a file that is not there."""
    if not path.exists():
        raise DocumentError(f"{path} does not exist. Check the name.")
    root = root_of(path)
    name = relative_path(path, root)
    verdict = Rules(root).why(name)
    if as_json:
        print(json.dumps({"path": name, "root": str(root), **asdict(verdict)}))
    else:
        print(f"{name} is {'read' if verdict.included else 'not read'}: {verdict.why}")
    return 0


def _in_words(packed: Pack, budget: Budget, *, in_color: bool) -> str:
    bold, dim, plain = (_BOLD, _DIM, _PLAIN) if in_color else ("", "", "")
    parts = []
    for segment in packed.segments:
        begin, end = (dim, plain) if segment.kind == "snippet" else ("", "")
        text = "\n".join(map(visible, segment.text.removesuffix("\n").split("\n")))
        parts += [f"{bold}{_title(segment)}{plain}", f"{begin}{text}{end}"]
        if segment.kind == "prefix":
            parts[-1] += f"{bold}█{plain}"  # the cursor
    parts.append(f"{bold}{packed.tokens} of {budget.total_tokens} tokens in {len(packed.segments)} segments{plain}")
    return "\n".join(parts)


def _title(segment: Segment) -> str:
    score = "" if segment.score is None else f", score {segment.score:.2f}"
    return f"── {segment.path}:{segment.first_line + 1} ({segment.why}{score}, {segment.tokens} tokens)"
