"""The check of the settings that name a model: who may name a server, a folder, or a model of the user's store."""

import os
from collections.abc import Sequence
from pathlib import Path
from reprlib import repr  # shortens a long or deep value to what fits in a message

from inference.remote.address import RemoteAddress, is_remote, parse_address
from inference.store.model_store import MODEL_NAME, user_store
from lsp_server.settings.model_content import AllowedModel, read_content
from lsp_server.settings.source import Source, Voice, user_settings_file
from lsp_server.settings.trusted_models import trusted_models
from midspan import SettingsError


class UntrustedModelError(SettingsError):
    """A workspace names a model of its own, `folder`, that the user has not allowed yet."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(
            f"The setting {name!r} names a model of this workspace, which is not loaded before you trust it. To trust "
            f"the model: midspan trust {folder}"
        )
        self.name = name
        self.folder = folder


def check_model(name: str, value: object, source: Source) -> Path | AllowedModel | RemoteAddress | None:
    """Return the model that a setting names. Raises SettingsError, or UntrustedModelError for a workspace's own."""
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise SettingsError(f"The setting {name!r} must be the name or the folder of a model, not {repr(value)}.")
    try:
        if is_remote(value):
            return _check_server(name, value, source)
        return _check_folder(name, value, source)
    except (OSError, ValueError, RuntimeError) as error:  # a zero byte, a long name, nobody's home, a ring of links
        raise SettingsError(f"The setting {name!r} is no path of this machine: {repr(value)}.") from error


def _check_server(name: str, value: str, source: Source) -> RemoteAddress:
    if source.voice is Voice.WORKSPACE:
        raise SettingsError(f"A workspace may not set {name!r} to a server. Set it in your own settings.")
    if source.voice is Voice.EDITOR:
        raise SettingsError(_not_vouched(name, "a server"))
    return parse_address(value)


def _check_folder(name: str, value: str, source: Source) -> Path | AllowedModel:
    if source.voice is Voice.EDITOR:
        if MODEL_NAME.fullmatch(value) is None:
            raise SettingsError(_not_vouched(name, "a folder"))
        return user_store().models / value if value in user_store().names() else Path(value)
    folder = find_model(source.folder, Path(value).expanduser())
    if source.voice is Voice.USER or not folder.is_absolute() or folder.parent == user_store().models:
        return folder
    if not folder.resolve().is_relative_to(source.folder.resolve()):
        raise SettingsError(
            f"A workspace may not set {name!r} to a path outside itself, {value}. Set it in your own settings."
        )
    if (allowed := trusted_models().find_allowed(folder)) is None:
        raise UntrustedModelError(name, folder)
    return allowed


def recognize_models(errors: Sequence[SettingsError]) -> bool:
    """Read the untrusted models among the errors, and return whether the user has allowed one of them before.

    The settings are to be loaded again then. Files that are written anew may hold what they held.
    """
    known = [_is_known(error.folder) for error in errors if isinstance(error, UntrustedModelError)]
    return any(known)


def _is_known(folder: Path) -> bool:
    trusted = trusted_models()
    try:
        return trusted.has_answers(folder) and trusted.recognize(folder, read_content(folder)) is True
    except SettingsError:  # a folder that holds no model is not trusted
        return False


def _not_vouched(name: str, what: str) -> str:
    return (
        f"{name!r} is {what} in the editor's settings, which may come from the folder that is open, so it is ignored. "
        f"If it is yours, set it in {user_settings_file()}."
    )


def find_model(folder: Path, model: Path) -> Path:
    """Return the folder of a model that is named in `folder`. The name of a model that is not here yet stays a name."""
    is_name = len(model.parts) == 1
    if is_name and model.name in user_store().names():
        return user_store().folder(model.name)
    if is_name and not (folder / model).exists():
        return model
    return Path(os.path.abspath(folder / model))
