"""`midspan model`: the models of this machine, from the catalogue to the store."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from inference.store.catalogue import read_catalogue, user_catalogue_path
from inference.store.import_model import import_model
from inference.store.manifest import read_manifest, verify
from inference.store.model_store import ModelStore, user_store
from inference.store.pull import pull_model
from inference.weights.progress import show_progress
from lsp_server.cli.output.model_listing import describe_model, list_models, listing_in_words, size_in_words
from midspan import ModelError

ModelCommand = Callable[[argparse.Namespace, ModelStore], int]


def run_model_command(options: argparse.Namespace) -> int:
    """The exit code. Raises MidspanError."""
    return _COMMANDS[options.model_command](options, user_store())


def _list(options: argparse.Namespace, store: ModelStore) -> int:
    listing = list_models(store, read_catalogue(user_catalogue_path()))
    print(json.dumps(listing, indent=2) if options.json else listing_in_words(listing))
    return 0


def _pull(options: argparse.Namespace, store: ModelStore) -> int:
    return _make(
        f"midspan model pull {options.name}",
        "it goes on where it stopped",
        lambda: pull_model(store, read_catalogue(user_catalogue_path()), options.name),
    )


def _import(options: argparse.Namespace, store: ModelStore) -> int:
    named = f" --name {options.name}" if options.name else ""
    return _make(
        f"midspan model import {options.path}{named}",
        "nothing was kept",
        lambda: import_model(store, options.path, options.name, options.dtype),
    )


def _make(command: str, afterwards: str, make: Callable[[], Path]) -> int:
    try:
        folder = make()
    except KeyboardInterrupt:
        print(f"\nmidspan: stopped; run `{command}` again: {afterwards}", file=sys.stderr)
        return 130
    use = f"Use it: --model {folder.name}, or the settings `completion.model` and `chat.model`."
    print(f"{folder.name} is in {folder}\n{use}")
    return 0


def _verify(options: argparse.Namespace, store: ModelStore) -> int:
    folder = _folder(store, options.name)
    manifest = read_manifest(folder)
    with show_progress(options.name, manifest.size_bytes) as progress:
        problems = verify(folder, manifest, progress)
    if problems:
        raise ModelError(
            f"{options.name}: {'; '.join(problems)}. Run `midspan model remove {options.name}`, "
            f"then `{manifest.command}`"
        )
    print(f"{options.name}: {len(manifest.files)} files, {size_in_words(manifest.size_bytes)}, all as they were.")
    return 0


def _remove(options: argparse.Namespace, store: ModelStore) -> int:
    from inference.weights.quantized_copy import remove_copies  # here, because it imports torch

    remove_copies(store.folder(options.name))
    freed_bytes = store.remove(options.name)
    print(f"{options.name} is removed; {size_in_words(freed_bytes)} are free again.")
    return 0


def _info(options: argparse.Namespace, store: ModelStore) -> int:
    description = describe_model(store, read_catalogue(user_catalogue_path()), options.name)
    if options.json:
        print(json.dumps(description, indent=2))
    else:
        width = max(map(len, description))
        print("\n".join(f"{key.replace('_', ' '):{width}}  {_plain(key, v)}" for key, v in description.items()))
    return 0


def _plain(key: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return size_in_words(value) if key.endswith("_bytes") and isinstance(value, int) else str(value)


def _folder(store: ModelStore, name: str) -> Path:
    if name not in store.names():
        raise ModelError(f"{name}: no model of that name is here; `midspan model list` shows those that are")
    return store.folder(name)


_COMMANDS: Mapping[str, ModelCommand] = {
    "list": _list,
    "pull": _pull,
    "import": _import,
    "verify": _verify,
    "remove": _remove,
    "info": _info,
}
