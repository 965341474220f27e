"""`midspan trust`: allows the models that a workspace brings along, lists what is allowed, and takes that back."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from lsp_server.cli.input.options import Commands, json_option
from midspan import SettingsError

if TYPE_CHECKING:  # parsing the command line imports nothing heavy
    from lsp_server.settings.trusted_models import TrustAnswer


def add_parser(commands: Commands) -> None:
    """Add `trust`."""
    parser = commands.add_parser("trust", parents=[json_option()], help="allow the models that a workspace names")
    parser.add_argument(
        "path", type=Path, nargs="?", metavar="PATH", help="a model's folder, or a workspace; default: this workspace"
    )
    parser.add_argument("--list", action="store_true", help="list the models that you have allowed or refused")
    parser.add_argument("--revoke", type=Path, metavar="PATH", help="forget your answers about a model's folder")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do what the options say, print it and return the exit code. Raises SettingsError."""
    if options.list:
        return _list(as_json=options.json)
    if options.revoke is not None:
        return _revoke(options.revoke)
    return _trust(options.path, as_json=options.json)


def _trust(path: Path | None, *, as_json: bool) -> int:
    from lsp_server.cli.output.sizes import size_in_words
    from lsp_server.settings.model_content import read_content
    from lsp_server.settings.trusted_models import trusted_models
    from midspan.visible_text import visible_line

    contents = {folder: read_content(folder) for folder in _untrusted_models(path)}
    for folder, content in contents.items():
        trusted_models().remember(folder, content, is_allowed=True)
    if as_json:
        print(json.dumps([{"folder": str(folder), "sha256": c.sha256} for folder, c in contents.items()], indent=2))
        return 0
    for folder, content in contents.items():
        print(visible_line(f"Trusted: {folder}, {content.files} files, {size_in_words(content.size_bytes)}."))
    if not contents:
        print("No model of this workspace waits for your trust.")
    return 0


def _untrusted_models(path: Path | None) -> list[Path]:
    """The folder itself if it holds a model, else the models that the settings of the workspace name."""
    from lsp_server.cli.input.place import current_root, root_of
    from lsp_server.settings.model_setting import UntrustedModelError
    from lsp_server.settings.source import FILE_NAME
    from lsp_server.settings.sources import load_settings

    if path is None:
        root = current_root()
    elif not path.is_dir():
        raise SettingsError(f"{path} is not a folder. Name the folder of a model, or of a workspace.")
    elif (path / "config.json").exists() and not (path / FILE_NAME).exists():  # a workspace may have one of its own
        return [path.absolute()]
    else:
        root = path.absolute() if (path / FILE_NAME).exists() else root_of(path / FILE_NAME)
    _, errors = load_settings([root], [])
    return sorted({error.folder for error in errors if isinstance(error, UntrustedModelError)})


def _revoke(folder: Path) -> int:
    from lsp_server.settings.trusted_models import trusted_models
    from midspan.visible_text import visible_line

    if not trusted_models().revoke(folder):
        raise SettingsError(f"There is no answer about {folder}. To see your answers: midspan trust --list")
    print(visible_line(f"Revoked: {folder}. Midspan asks again before it loads this model."))
    return 0


def _list(*, as_json: bool) -> int:
    from lsp_server.settings.trusted_models import trusted_models
    from midspan.visible_text import visible_line

    answers = trusted_models().answers()
    if as_json:
        print(json.dumps([_as_json(answer) for answer in answers], indent=2))
        return 0
    for answer in answers:
        word = "allowed" if answer.is_allowed else "refused"
        changed = "" if _is_unchanged(answer) else " (its files were written since)"
        print(visible_line(f"{word}  {answer.folder}{changed}"))
    if not answers:
        print("You have allowed and refused no model of a workspace.")
    return 0


def _as_json(answer: "TrustAnswer") -> dict[str, str | bool]:
    return {
        "folder": answer.folder,
        "sha256": answer.sha256,
        "is_allowed": answer.is_allowed,
        "is_unchanged": _is_unchanged(answer),
    }


def _is_unchanged(answer: "TrustAnswer") -> bool:
    from lsp_server.settings.model_content import stamp_of

    return stamp_of(Path(answer.folder)) == answer.stamp
