"""The sources of settings, in their order: the user's file, the workspaces' files, the editor, the command line."""

import difflib
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from reprlib import repr  # shortens a long name to what fits in a message
from typing import Any

from lsp_server.settings.model_setting import UntrustedModelError
from lsp_server.settings.source import FILE_NAME, Source, Voice, user_settings_file
from lsp_server.settings.table import TABLE, Setting
from lsp_server.settings.values import Settings
from midspan import SettingsError

_MOST_BYTES = 64 * 1024
# The parser's time grows with the square of a name's parts, and all editors of the daemon wait for it.
_MOST_DOTS = 50  # in a line
_LONGEST_NAME = 60  # a longer name resembles no setting
_MOST_ERRORS = 20  # more messages would bury the editor

_BY_NAME = {setting.name: setting for setting in TABLE}
_SECTIONS = {setting.name.partition(".")[0] for setting in TABLE if "." in setting.name}


def load_settings(
    roots: Sequence[Path], given: Sequence[tuple[object, Source]]
) -> tuple[Settings, list[SettingsError]]:
    """Return the settings and the errors in them. A wrong value changes nothing and gives one error.

    Later sources override earlier ones: the defaults, the user's file, the files of the workspaces from the last to
    the first, then each of `given`. A workspace's own model that waits for the user's trust is an error too.
    """
    user_file = user_settings_file()
    sources = [Source(user_file.parent, user_file)]
    sources += [Source(root, root / FILE_NAME, Voice.WORKSPACE) for root in reversed(roots)]
    settings, errors = Settings(), []
    for source in sources:
        if source.voice is Voice.WORKSPACE and source.file == user_file:
            continue  # already read as the user's file
        try:
            written = _read(source.file) if source.file else {}
        except SettingsError as error:
            errors.append(error)
            continue
        settings, wrong = apply_options(settings, written, source)
        errors += [_in_file(source.file, error) for error in wrong]
    for options, source in given:
        settings, wrong = apply_options(settings, options, source)
        errors += wrong
    return settings, errors


def apply_options(settings: Settings, options: object, source: Source) -> tuple[Settings, list[SettingsError]]:
    """Return the settings with `options` over them, and the errors. A wrong value changes nothing.

    Sections are objects in `options`, or names with a dot, or both.
    """
    if options is None or options == []:  # an empty table of Lua is a list
        return settings, []
    if not isinstance(options, dict):
        return settings, [SettingsError("Settings must be an object with names and values.")]
    errors: list[SettingsError] = []
    passed_over = 0
    for name, value in _named(options):
        if name not in _BY_NAME and len(errors) >= _MOST_ERRORS:
            passed_over += 1
            continue
        try:
            setting = _known(name)
            settings = settings.with_value(setting.name, setting.check(setting.name, value, source))
        except SettingsError as error:
            errors.append(error)
    if passed_over:
        errors.append(SettingsError(f"Further names that are no settings: {passed_over}."))
    return settings, errors


def check_flags(flags: object, folder: Path) -> None:
    """Raise SettingsError for the first wrong flag, because its author is there to correct it."""
    _, errors = apply_options(Settings(), flags, Source(folder))
    if errors:
        raise errors[0]


def settings_files(roots: Sequence[Path]) -> list[Path]:
    """Return the files that `load_settings` reads. They need not exist."""
    return [user_settings_file(), *(root / FILE_NAME for root in roots)]


def _read(file: Path) -> dict[str, Any]:
    """Read a file of settings, {} if there is none. Raises SettingsError if the file cannot be used."""
    try:
        if not file.is_file():
            return {}
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise SettingsError(f"{file} is larger than {_MOST_BYTES} bytes. The file is ignored.")
        if any(line.count(b".") > _MOST_DOTS for line in data.splitlines()):
            raise SettingsError(
                f"{file} has a line with more than {_MOST_DOTS} dots. Write a long list in several lines; until then "
                "the file is ignored."
            )
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors of Windows write a byte order mark
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror}). The file is ignored.") from error
    except ValueError as error:
        raise SettingsError(f"{file} is not TOML ({error}). Correct the file; until then it is ignored.") from error
    except RecursionError as error:
        raise SettingsError(f"{file} is nested too deeply. The file is ignored.") from error


def _in_file(file: Path | None, error: SettingsError) -> SettingsError:
    if isinstance(error, UntrustedModelError):  # keeps its kind: the server asks the user about it
        return error
    return SettingsError(f"{file}: {error}")


def _named(options: dict[Any, Any]) -> Iterator[tuple[str, object]]:
    for name, value in options.items():
        if name in _SECTIONS and (value is None or value == []):
            continue
        if isinstance(value, dict):  # a section, or a name that is no setting
            yield from ((f"{name}.{inner}", inner_value) for inner, inner_value in value.items())
        else:
            yield str(name), value


def _known(name: str) -> Setting:
    if name in _BY_NAME:
        return _BY_NAME[name]
    nearest = _nearest(_snake_case(name[:_LONGEST_NAME]))
    advice = f"Did you mean {nearest!r}?" if nearest else f"The settings are {', '.join(_BY_NAME)}."
    raise SettingsError(f"There is no setting {repr(name)}. {advice}")


def _nearest(name: str) -> str | None:
    """Return the setting whose name, with or without its section, resembles `name` most."""
    names = {setting.name.rpartition(".")[2]: setting.name for setting in reversed(TABLE)}
    names |= {setting.name: setting.name for setting in TABLE}
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return names[found[0]] if found else None


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
