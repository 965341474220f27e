"""The table of all settings: the name, the check and the meaning of each. docs/settings.md shows the same table."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from reprlib import repr  # shortens a long or deep value to what fits in a message
from typing import Any

from context.rules.git_pattern import read_pattern
from lsp_server.settings.model_setting import check_model
from lsp_server.settings.quants import CACHE_DTYPES, QUANTS
from lsp_server.settings.source import Source, Voice
from lsp_server.settings.values import EAGERNESS, KNOWN_LINES, Settings
from midspan import SettingsError
from midspan.memory import usable_memory

_MOST_TOKENS = 1_000_000  # more than any model writes
_NEXT_EDITS_WHEN = ("always", "by_key", "never")
_DEVICES = re.compile(r"^(auto|cpu|mps|cuda(:\d{1,2})?)$")
_LOG_LEVELS = ("debug", "info", "warning", "error")


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
    """A setting. `meaning` is Markdown for docs/settings.md; links in it are relative to `docs`.

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


def _one_of(words: tuple[str, ...]) -> Check:
    def check(name: str, value: object, _source: Source) -> object:
        if value not in words:
            raise SettingsError(f"The setting {name!r} must be one of {', '.join(words)}, not {repr(value)}.")
        return value

    return check


def _check_tokens(name: str, value: object, _source: Source) -> int:
    number = _check_number(name, value)
    if number > _MOST_TOKENS:
        raise SettingsError(f"The setting {name!r} may be {_MOST_TOKENS:,} at most, not {repr(value)}.")
    return number


def _check_cache_bytes(name: str, value: object, _source: Source) -> int | None:
    if value is None:
        return None
    number, memory_bytes = _check_number(name, value), usable_memory().total_bytes
    if number > memory_bytes:
        raise SettingsError(f"The setting {name!r} is more than the memory there is, {memory_bytes:,} bytes.")
    return number


def _check_device(name: str, value: object, _source: Source) -> str:
    if not isinstance(value, str) or not _DEVICES.fullmatch(value):
        raise SettingsError(f"The setting {name!r} must be auto, cpu, cuda, cuda:1 or mps, not {repr(value)}.")
    return value


def _check_number(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SettingsError(f"The setting {name!r} must be a whole number of at least 1, not {repr(value)}.")
    return value


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
        if read_pattern(glob) is None:
            raise SettingsError(f"The setting {name!r} holds {repr(glob)}, which is no .gitignore pattern.")
    return globs


def _check_disk_bytes(name: str, value: object, source: Source) -> int:
    """Only the user decides how much of the disk is taken. All others may say: nothing."""
    if value == 0 and not isinstance(value, bool):
        return 0
    if source.voice is not Voice.USER:
        raise SettingsError(f"Only your own settings give {name!r} a size; a folder's may set it to 0.")
    return _check_number(name, value)


def _check_own_switch(name: str, value: object, source: Source) -> bool:
    """Only the user decides what is recorded of the user. An editor's settings may say no for the user."""
    is_on = _check_switch(name, value, source)
    if source.voice is Voice.WORKSPACE:
        raise SettingsError(f"A workspace may not set {name!r}. Set it in your own settings.")
    if source.voice is Voice.EDITOR and is_on:
        raise SettingsError(f"An editor's settings that may be a folder's do not switch {name!r} on.")
    return is_on


_MODEL = Kind(check_model, {"type": ["string", "null"]}, users_own=True)
_QUANT = Kind(_one_of(QUANTS), {"enum": [*QUANTS]})
_TOKENS = Kind(_check_tokens, {"type": "integer", "minimum": 1, "maximum": _MOST_TOKENS})
_CACHE_BYTES = Kind(_check_cache_bytes, {"type": ["integer", "null"], "minimum": 1})
_CACHE_DTYPE = Kind(_one_of(CACHE_DTYPES), {"enum": [*CACHE_DTYPES]})
_DEVICE = Kind(_check_device, {"type": "string", "pattern": _DEVICES.pattern})
_EAGERNESS = Kind(_one_of(EAGERNESS), {"enum": [*EAGERNESS]})
_DISK_BYTES = Kind(_check_disk_bytes, {"type": "integer", "minimum": 0}, users_own=True)
_SWITCH = Kind(_check_switch, {"type": "boolean"})
_OWN_SWITCH = Kind(_check_own_switch, {"type": "boolean"}, users_own=True)
_WORDS = Kind(_check_words, {"type": "array", "items": {"type": "string"}})
_GLOBS = Kind(_check_globs, {"type": "array", "items": {"type": "string"}})
_KNOWN_LINES = Kind(_one_of(KNOWN_LINES), {"enum": [*KNOWN_LINES]})
_LOG_LEVEL = Kind(_one_of(_LOG_LEVELS), {"enum": [*_LOG_LEVELS]})
_WHEN = Kind(_one_of(_NEXT_EDITS_WHEN), {"enum": [*_NEXT_EDITS_WHEN]})
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
        'how weights are kept: `"none"` as they are stored, `"int8"`, `"int4"`, or the more precise of these that is '
        "fast here; `--quant` on the command line",
    ),
    Setting(
        "completion.cache_bytes",
        _CACHE_BYTES,
        "what the prefix cache of completion's model may take",
        without="from the machine's memory",
    ),
    Setting(
        "completion.cache_dtype",
        _CACHE_DTYPE,
        'how the prefix cache keeps what it holds: `"int8"` in [about half the memory]'
        "(models-and-hardware.md#a-long-context), or as the model computes",
    ),
    Setting(
        "completion.device",
        _DEVICE,
        'what runs the model: `"cpu"`, `"cuda"` (a GPU; ROCm too), `"cuda:1"` (the second one), `"mps"`, or '
        "[a GPU that holds it, else the CPU](models-and-hardware.md#a-gpu)",
    ),
    Setting("completion.max_tokens", _TOKENS, "the longest completion"),
    Setting(
        "completion.enabled",
        _SWITCH,
        "whether anything is completed; while [off](#switch-completion-off), the model is not asked",
    ),
    Setting(
        "completion.eagerness",
        _EAGERNESS,
        'how sure Midspan is before it [shows a text unasked](features.md#quiet-where-it-is-not-sure): `"low"` shows '
        'less and is right more often, `"high"` shows more; a key that asks is always answered',
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
        "whether what comes after a completion is computed while you read it, to be there when you accept. Never "
        "with a model on a server, nor on a battery unless `completion.ahead_on_battery` says so",
    ),
    Setting(
        "completion.ahead_on_battery",
        _SWITCH,
        "whether the model also computes what nobody waits for yet while the machine runs on its battery: look-ahead, "
        "and the whole prompt of a file that was [answered from its own text first]"
        "(features.md#the-first-suggestion)",
    ),
    Setting(
        "completion.quick_first",
        _SWITCH,
        "whether a place whose prompt would take long to read is answered from the text around the cursor first, while "
        "[the whole prompt is read](features.md#the-first-suggestion)",
    ),
    Setting(
        "completion.moved_suffix",
        _SWITCH,
        "whether [the text after the cursor](features.md#ghost-text) is read again when you pause, and not at each key",
    ),
    Setting(
        "completion.copy",
        _SWITCH,
        "whether the built-in model also goes by [what your code says in like places](features.md#ghost-text); other "
        "models, which have learned no shares for it, write the same either way",
    ),
    Setting(
        "completion.known_lines",
        _KNOWN_LINES,
        "which models weigh [lines that your code has](features.md#ghost-text) against what they write: `none`, "
        "`builtin` (the built-in model), or `any` inside the process",
    ),
    Setting(
        "completion.disk_cache_bytes",
        _DISK_BYTES,
        "what [the pages of the prefix cache](privacy-and-security.md#what-stays-on-the-disk) may take on the disk, of "
        "all folders together; they make a restart warm. `0` keeps none, and removes those of folders that are open",
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
        _CACHE_BYTES,
        "what its prefix cache may take",
        without="from the machine's memory",
    ),
    Setting("chat.cache_dtype", _CACHE_DTYPE, "how its prefix cache keeps what it holds"),
    Setting("chat.device", _DEVICE, "what runs it"),
    Setting("chat.max_tokens", _TOKENS, "the longest answer"),
    Setting(
        "next_edit.model",
        _MODEL,
        "a model that was [trained for next edits](features.md#next-edits): a sweep-next-edit or zeta-2.1",
        without="completion's model, which only a key asks",
    ),
    Setting("next_edit.quant", _QUANT, "how its weights are kept"),
    Setting("next_edit.device", _DEVICE, "what runs it"),
    Setting(
        "next_edit.when",
        _WHEN,
        'when [next edits](features.md#next-edits) are shown: `"always"` after a pause in editing, `"by_key"` only '
        'when a key asks for them, or `"never"`',
    ),
    Setting(
        "stats",
        _OWN_SWITCH,
        f"whether what is shown and accepted is counted for {_STATS}, on this machine alone",
    ),
    Setting("log_level", _LOG_LEVEL, '`"debug"`, `"info"`, `"warning"` or `"error"`'),
)
