"""The table of all settings: name, default, meaning and check of each. docs/settings.md shows the same table."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr  # of a value that is long or deep, only so much as a message bears
from typing import Any

from pathspec import GitIgnoreSpec

from inference.remote.address import RemoteAddress, is_remote, parse_address
from inference.store.model_store import user_store
from lsp_server.settings.quants import QUANTS
from lsp_server.settings.values import LONGEST_ANSWER_TOKENS
from midspan import SettingsError

_LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Source:
    """Where a setting is written."""

    folder: Path  # what a model's path there is relative to
    file: Path | None = None  # None: an editor's settings, or a command line
    # Then `folder` is its root. Whoever wrote its files may not send the user's code away, nor reach for other folders.
    is_workspace: bool = False


# The value as the settings hold it. Raises SettingsError.
Check = Callable[[str, object, Source], Any]


@dataclass(frozen=True)
class Kind:
    """What a value may be: to whoever reads the settings, and as a JSON schema to an editor that helps to write them.

    What is `users_own` a workspace may not set, or not to everything.
    """

    check: Check
    schema: dict[str, Any]
    users_own: bool = False


@dataclass(frozen=True)
class Setting:
    """`default` and `meaning` are Markdown for docs/settings.md; links in them are relative to `docs`."""

    name: str
    kind: Kind
    default: str
    meaning: str

    @property
    def check(self) -> Check:
        return self.kind.check

    @property
    def row(self) -> str:
        """The setting's line in the table of docs/settings.md."""
        return f"| `{self.name}` | {self.default} | {self.meaning} |"


def _check_model(name: str, value: object, source: Source) -> Path | RemoteAddress | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise SettingsError(f"The setting {name!r} is the name or the folder of a model, not {repr(value)}.")
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
    """A model's folder as it is meant in `folder`. The name of a model that is not here yet stays a name."""
    is_name = len(model.parts) == 1
    if is_name and model.name in user_store().names():
        return user_store().folder(model.name)
    if is_name and not (folder / model).exists():
        return model
    return Path(os.path.abspath(folder / model))


def _one_of(words: tuple[str, ...]) -> Check:
    def check(name: str, value: object, _source: Source) -> object:
        if value not in words:
            raise SettingsError(f"The setting {name!r} is one of {', '.join(words)}, not {repr(value)}.")
        return value

    return check


def _check_number(name: str, value: object, _source: Source) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SettingsError(f"The setting {name!r} is a whole number of at least 1, not {repr(value)}.")
    return value


def _check_number_or_none(name: str, value: object, source: Source) -> int | None:
    return None if value is None else _check_number(name, value, source)


def _check_switch(name: str, value: object, _source: Source) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"The setting {name!r} is true or false, not {repr(value)}.")
    return value


def _check_words(name: str, value: object, _source: Source) -> tuple[str, ...]:
    """A tuple passes as well: it is what the settings hold."""
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise SettingsError(f"The setting {name!r} is a list of strings, not {repr(value)}.")
    return tuple(value)


def _check_globs(name: str, value: object, source: Source) -> tuple[str, ...]:
    globs = _check_words(name, value, source)
    for glob in globs:
        try:
            GitIgnoreSpec.from_lines([glob])
        except ValueError as error:
            raise SettingsError(f"The setting {name!r}: {repr(glob)} is no pattern of a .gitignore file.") from error
    return globs


def _check_own_switch(name: str, value: object, source: Source) -> bool:
    """What is kept of the user is not for a workspace to say."""
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
        "the built-in one",
        f"the name of a model that `midspan model list` shows, a folder, or {_SERVER}; `--model` on the command line",
    ),
    Setting(
        "completion.quant",
        _QUANT,
        '`"auto"`',
        'how weights are kept: `"none"` as they are stored, `"int8"`, `"int4"`, or what fits the machine; `--quant` on '
        "the command line",
    ),
    Setting(
        "completion.cache_bytes",
        _NUMBER_OR_NONE,
        "from the machine's memory",
        "what the prefix cache of completion's model may take",
    ),
    Setting("completion.max_tokens", _NUMBER, "96", "the longest completion"),
    Setting(
        "completion.enabled",
        _SWITCH,
        "`true`",
        "whether anything is completed; while [off](#switch-completion-off), the model is not asked",
    ),
    Setting(
        "completion.disabled_languages",
        _WORDS,
        "`[]`",
        'languages in which nothing is completed, as editors name them: `["markdown"]`',
    ),
    Setting(
        "completion.disabled_globs",
        _GLOBS,
        "`[]`",
        'files in which nothing is completed, in the syntax of .gitignore: `["*.env", "/vendor/"]`',
    ),
    Setting("completion.in_comments", _SWITCH, "`true`", "whether comments are completed"),
    Setting(
        "completion.look_ahead",
        _SWITCH,
        "`true`",
        "whether what comes after a completion is computed while you read it, to be there when you accept; `false` "
        "saves battery. Never with a model on a server",
    ),
    Setting(
        "chat.model",
        _MODEL,
        "none",
        "the model that answers questions, in the same words; it must be trained to chat, as those named Instruct are",
    ),
    Setting("chat.quant", _QUANT, '`"auto"`', "how its weights are kept"),
    Setting("chat.cache_bytes", _NUMBER_OR_NONE, "from the machine's memory", "what its prefix cache may take"),
    Setting("chat.max_tokens", _NUMBER, str(LONGEST_ANSWER_TOKENS), "the longest answer"),
    Setting(
        "stats",
        _OWN_SWITCH,
        "`true`",
        f"whether what is shown and accepted is counted for {_STATS}, on this machine alone",
    ),
    Setting("log_level", _LOG_LEVEL, '`"info"`', '`"debug"`, `"info"`, `"warning"` or `"error"`'),
)
