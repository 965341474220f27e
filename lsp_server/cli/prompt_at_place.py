"""The prompt at a place in a file, packed with the model's tokenizer and without the model."""

import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict

from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from context.prompt.pack import Budget, Pack
from inference.local_engine import BUILTIN_MODEL
from inference.models.description import read_family
from inference.prompts.tokenizer import Tokenizer
from inference.remote.address import RemoteAddress
from inference.remote.token_estimate import estimate_tokens
from inference.store.model_store import find_folder, user_store
from lsp_server.cli.input.place import root_of_place, snapshot_at
from lsp_server.cli.output.progress_bar import ProgressBar
from lsp_server.cli.output.prompt_words import prompt_in_words
from lsp_server.server.prompt_budget import FIRST_TOKENS
from lsp_server.server.shared_workspaces import start_workspace
from lsp_server.settings.model_content import AllowedModel
from lsp_server.settings.values import ModelSettings, Settings
from lsp_server.telemetry.log_setup import set_up_logging

_INDEX_WITHIN_S = 600.0


def show_prompt(place: str, settings: Settings, budget_tokens: int | None, *, as_json: bool) -> int:
    """Print the prompt at FILE:LINE:COL; return the exit code. Raises MidspanError."""
    set_up_logging(logging.WARNING)
    snapshot = snapshot_at(place)
    tokenizer = _load_tokenizer(settings.completion)
    budget = Budget(budget_tokens or FIRST_TOKENS)
    packed = _pack_prompt(snapshot, place, budget, tokenizer.count if tokenizer is not None else estimate_tokens)
    begun = tokenizer.begun_word(packed.prefix) if tokenizer is not None else ""
    if as_json:
        print(json.dumps({"budget_tokens": budget.total_tokens, "begins_with": begun, **asdict(packed)}))
    else:
        print(prompt_in_words(packed, budget, in_color=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
        if begun:
            print(f"{begun!r} is not part of the prompt: the completion has to begin with it")
    return 0


def _load_tokenizer(settings: ModelSettings) -> Tokenizer | None:
    """The model's tokenizer, or None for a remote model, whose server has it. Raises ModelError."""
    if isinstance(settings.model, RemoteAddress):
        return None
    if isinstance(settings.model, AllowedModel):
        folder = settings.model.folder
    else:
        folder = find_folder(user_store(), settings.model) if settings.model else BUILTIN_MODEL
    return Tokenizer(folder, read_family(folder))


def _pack_prompt(snapshot: Snapshot, place: str, budget: Budget, count: Callable[[str], int]) -> Pack:
    """The prompt with an index that is up to date. Raises DocumentError for a document that no prompt may have."""
    workspace = start_workspace(root_of_place(place), ProgressBar().draw)
    try:
        if workspace is not None:
            workspace.wait_until_settled(_INDEX_WITHIN_S)
        return ContextPacker(workspace, keeps_placement=False).pack(snapshot, budget, count)
    finally:
        if workspace is not None:
            workspace.close()
