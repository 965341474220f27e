"""The table of all settings: the name, the check and the meaning of each. docs/settings.md shows the same table."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr  # shortens a long or deep value to what fits in a message
from typing import Any

from pathspec import GitIgnoreSpec

from inference.remote.address import RemoteAddress, is_remote, parse_address
from inference.store.model_store import user_store
from lsp_server.settings.quants import QUANTS
from lsp_server.settings.values import Settings
from midspan import SettingsError

_LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Source:
    """The place where settings are written: a file, an editor's settings or a command line."""

    folder: Path  # the paths of models in this source are relative to the folder
    file: Path | None = None  # None: an editor's settings or a command line
    # True: `folder` is the root of a workspace. Its authors may not send the user's code away, nor use other folders.
    is_workspace: bool = False


# Takes the name of a setting and its value as it is written, and returns the value that Settings holds.
# Raises SettingsError.
Check = Callable[[str, object, Source], Any]


@dataclass(frozen=True)
class Kind:
    """The values that are allowed: `check` for the server, `schema` (JSON Schema) for editors that help to write them.

    A workspace may not set a setting that is `users_own`, or not to every value.
    """

    check: Check
    schema: dict[str, Any]
    users_own: bool = False


@dataclass(frozen=True)
class Setting:
    """One setting. `meaning` is Markdown for docs/settings.md; links in it are relative to `docs`.

    `without` says in words, for the same page, what a default of null stands for.
    """

    name: str
    kind: Kind
    meaning: str
    without: str = ""

    @property
    def default(self) -> Any:
        return Settings().value(self.name)

    @property
    def check(self) -> Check:
        return self.kind.check

    @property
    def row(self) -> str:
        """The setting's line in the table of docs/settings.md."""
        written = json.dumps(self.default)
        default = self.without if self.default is None else written if written.isdigit() else f"`{written}`"
        return f"| `{self.name}` | {default} | {self.meaning} |"


def _check_model(name: str, value: object, source: Source) -> Path | RemoteAddress | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise SettingsError(f"The setting {name!r} must be the name or the folder of a model, not {repr(value)}.")
    if is_remote(value):
        if source.is_workspace:
            raise SettingsError(f"A workspace may not set {name!r} to a server. Set it in your own settings.")
        return parse_address(value)
    folder = find_model(source.folder, Path(value).expanduser())
    is_inside = folder.resolve().is_relative_to(source.folder.resolve()) or folder.parent == user_store().models
    if source.is_workspace and folder.is_absolute() and not is_inside:
        raise SettingsError(
            f"A workspace may not set {name!r} to a path outside itself, {value}. Set it in your own settings."
        )
    return folder


def find_model(folder: Path, model: Path) -> Path:
    """Return the folder of a model that is named in `folder`. The name of a model that is not here yet stays a name."""
    is_name = len(model.parts) == 1
    if is_name and model.name in user_store().names():
        return user_store().folder(model.name)
    if is_name and not (folder / model).exists():
        return model
    return Path(os.path.abspath(folder / model))


def _one_of(words: tuple[str, ...]) -> Check:
    def check(name: str, value: object, _source: Source) -> object:
        if value not in words:
            raise SettingsError(f"The setting {name!r} must be one of {', '.join(words)}, not {repr(value)}.")
        return value

    return check


def _check_number(name: str, value: object, _source: Source) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SettingsError(f"The setting {name!r} must be a whole number of at least 1, not {repr(value)}.")
    return value


def _check_number_or_none(name: str, value: object, source: Source) -> int | None:
    return None if value is None else _check_number(name, value, source)


def _check_switch(name: str, value: object, _source: Source) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"The setting {name!r} must be true or false, not {repr(value)}.")
    return value


def _check_words(name: str, value: object, _source: Source) -> tuple[str, ...]:
    """Return the list as a tuple. A tuple is allowed too, because Settings holds one."""
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise SettingsError(f"The setting {name!r} must be a list of strings, not {repr(value)}.")
    return tuple(value)


def _check_globs(name: str, value: object, source: Source) -> tuple[str, ...]:
    globs = _check_words(name, value, source)
    for glob in globs:
        try:
            GitIgnoreSpec.from_lines([glob])
        except ValueError as error:
            raise SettingsError(f"The setting {name!r} holds {repr(glob)}, which is no .gitignore pattern.") from error
    return globs


def _check_own_switch(name: str, value: object, source: Source) -> bool:
    """Only the user decides what is recorded of the user."""
    if source.is_workspace:
        raise SettingsError(f"A workspace may not set {name!r}. Set it in your own settings.")
    return _check_switch(name, value, source)


_MODEL = Kind(_check_model, {"type": ["string", "null"]}, users_own=True)
_QUANT = Kind(_one_of(QUANTS), {"enum": [*QUANTS]})
_NUMBER = Kind(_check_number, {"type": "integer", "minimum": 1})
_NUMBER_OR_NONE = Kind(_check_number_or_none, {"type": ["integer", "null"], "minimum": 1})
_SWITCH = Kind(_check_switch, {"type": "boolean"})
_OWN_SWITCH = Kind(_check_own_switch, {"type": "boolean"}, users_own=True)
_WORDS = Kind(_check_words, {"type": "array", "items": {"type": "string"}})
_GLOBS = Kind(_check_globs, {"type": "array", "items": {"type": "string"}})
_LOG_LEVEL = Kind(_one_of(_LOG_LEVELS), {"enum": [*_LOG_LEVELS]})
_SERVER = "[a model on a server](models-and-hardware.md#a-model-on-a-server)"
_STATS = "[`midspan stats`](privacy-and-security.md#what-midspan-counts)"

TABLE = (
    Setting(
        "completion.model",
        _MODEL,
        f"the name of a model that `midspan model list` shows, a folder, or {_SERVER}; `--model` on the command line",
        without="the built-in one",
    ),
    Setting(
        "completion.quant",
        _QUANT,
        'how weights are kept: `"none"` as they are stored, `"int8"`, `"int4"`, or what fits the machine; `--quant` on '
        "the command line",
    ),
    Setting(
        "completion.cache_bytes",
        _NUMBER_OR_NONE,
        "what the prefix cache of completion's model may take",
        without="from the machine's memory",
    ),
    Setting("completion.max_tokens", _NUMBER, "the longest completion"),
    Setting(
        "completion.enabled",
        _SWITCH,
        "whether anything is completed; while [off](#switch-completion-off), the model is not asked",
    ),
    Setting(
        "completion.disabled_languages",
        _WORDS,
        'languages in which nothing is completed, as editors name them: `["markdown"]`',
    ),
    Setting(
        "completion.disabled_globs",
        _GLOBS,
        'files in which nothing is completed, in the syntax of .gitignore: `["*.env", "/vendor/"]`',
    ),
    Setting("completion.in_comments", _SWITCH, "whether comments are completed"),
    Setting(
        "completion.look_ahead",
        _SWITCH,
        "whether what comes after a completion is computed while you read it, to be there when you accept; `false` "
        "saves battery. Never with a model on a server",
    ),
    Setting(
        "chat.model",
        _MODEL,
        "the model that answers questions, in the same words; it must be trained to chat, as those named Instruct are",
        without="none",
    ),
    Setting("chat.quant", _QUANT, "how its weights are kept"),
    Setting(
        "chat.cache_bytes",
        _NUMBER_OR_NONE,
        "what its prefix cache may take",
        without="from the machine's memory",
    ),
    Setting("chat.max_tokens", _NUMBER, "the longest answer"),
    Setting(
        "stats",
        _OWN_SWITCH,
        f"whether what is shown and accepted is counted for {_STATS}, on this machine alone",
    ),
    Setting("log_level", _LOG_LEVEL, '`"debug"`, `"info"`, `"warning"` or `"error"`'),
)
