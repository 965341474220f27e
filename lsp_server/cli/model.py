"""`midspan model`: the models of this machine, from the catalogue to the store."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from lsp_server.cli.input.options import Commands, json_option
from midspan import ModelError
from midspan.visible_text import visible_text


def add_parser(commands: Commands) -> None:
    """Add `model` with its commands."""
    parser = commands.add_parser("model", help="fetch, import, check and remove models")
    models = parser.add_subparsers(required=True, metavar="COMMAND")
    name = argparse.ArgumentParser(add_help=False)
    name.add_argument("name", metavar="NAME")

    listing = models.add_parser(
        "list",
        parents=[json_option()],
        help="list the models here and in the catalogue, and how fast each is on this machine",
    )
    listing.set_defaults(run=_list)
    pull = models.add_parser("pull", help="fetch a model of the catalogue or of a hub")
    pull.add_argument("name", metavar="NAME|OWNER/NAME[@REVISION]")
    pull.set_defaults(run=_pull)
    importing = models.add_parser("import", help="import a GGUF file or a folder of safetensors")
    importing.add_argument("path", type=Path, metavar="PATH")
    importing.add_argument("--name", help="the model's name; default: the name of the file or folder")
    importing.add_argument(
        "--dtype",
        choices=("auto", "bfloat16", "float32"),
        default="auto",
        help="store a GGUF's weights in this type; auto: float32 only where the file has it",
    )
    importing.set_defaults(run=_import)
    models.add_parser(
        "verify", parents=[name], help="compare a model's files with their checksums, and check its weights"
    ).set_defaults(run=_verify)
    models.add_parser("remove", parents=[name], help="delete a model, or an unfinished pull").set_defaults(run=_remove)
    models.add_parser("info", parents=[name, json_option()], help="print what is known of a model").set_defaults(
        run=_info
    )


def _list(options: argparse.Namespace) -> int:
    from inference.store.catalogue import read_catalogue, user_catalogue_path
    from inference.store.model_store import user_store
    from lsp_server.cli.input.command_settings import settings_for
    from lsp_server.cli.input.place import current_root
    from lsp_server.cli.output.known_speed import known_speed
    from lsp_server.cli.output.model_listing import list_models, listing_in_words
    from lsp_server.cli.output.model_marks import current_name, mark_models

    store, settings = user_store(), settings_for({}, current_root())
    current = {"completion": current_name(settings.completion.model, store)}
    chat = settings.chat.model
    listing = list_models(store, read_catalogue(user_catalogue_path()), known_speed())
    listing = mark_models(listing, current | {"chat": current_name(chat, store) if chat is not None else None})
    print(json.dumps(listing, indent=2) if options.json else visible_text(listing_in_words(listing)))
    return 0


def _pull(options: argparse.Namespace) -> int:
    from inference.store.catalogue import read_catalogue, user_catalogue_path
    from inference.store.model_store import user_store
    from inference.store.pull import pull_model

    return _make_model(
        f"midspan model pull {options.name}",
        "the pull goes on where it stopped",
        lambda: pull_model(user_store(), read_catalogue(user_catalogue_path()), options.name),
    )


def _import(options: argparse.Namespace) -> int:
    from inference.store.import_model import import_model
    from inference.store.model_store import user_store

    named = f" --name {options.name}" if options.name else ""
    return _make_model(
        f"midspan model import {options.path}{named}",
        "nothing was kept",
        lambda: import_model(user_store(), options.path, options.name, options.dtype),
    )


def _make_model(command: str, afterwards: str, make: Callable[[], Path]) -> int:
    from lsp_server.settings.source import user_settings_file_in_words

    try:
        folder = make()
    except KeyboardInterrupt:
        print(f"\nmidspan: stopped; run `{command}` again: {afterwards}", file=sys.stderr)
        return 130
    file = user_settings_file_in_words()
    use = f"Use it: --model {folder.name}, or `completion.model` and `chat.model` in {file} or in your editor."
    print(f"{folder.name} is in {folder}\n{use}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from inference.store.manifest import read_manifest, verify
    from inference.store.model_check import check_model
    from inference.store.model_store import user_store
    from inference.weights.progress import show_progress
    from lsp_server.cli.output.sizes import size_in_words

    store = user_store()
    if options.name not in store.names():
        raise ModelError(f"{options.name}: no model of that name is here; `midspan model list` shows those that are")
    folder = store.folder(options.name)
    manifest = read_manifest(folder)
    with show_progress(options.name, manifest.size_bytes) as progress:
        problems = verify(folder, manifest, progress)
    if problems:
        raise ModelError(
            f"{options.name}: {'; '.join(problems)}. Run `midspan model remove {options.name}`, "
            f"then `{manifest.command}`"
        )
    check_model(folder, str(folder))
    print(f"{options.name}: {len(manifest.files)} files, {size_in_words(manifest.size_bytes)}, all unchanged.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    from inference.store.model_store import user_store
    from inference.weights.quantized_copy import remove_copies
    from lsp_server.cli.output.sizes import size_in_words

    store = user_store()
    remove_copies(store.folder(options.name))
    freed_bytes = store.remove(options.name)
    print(f"{options.name} is removed; {size_in_words(freed_bytes)} are free again.")
    return 0


def _info(options: argparse.Namespace) -> int:
    from inference.store.catalogue import read_catalogue, user_catalogue_path
    from inference.store.model_store import user_store
    from lsp_server.cli.output.known_speed import known_speed
    from lsp_server.cli.output.model_listing import describe_model, description_in_words

    description = describe_model(user_store(), read_catalogue(user_catalogue_path()), options.name, known_speed())
    print(json.dumps(description, indent=2) if options.json else visible_text(description_in_words(description)))
    return 0
