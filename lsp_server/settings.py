"""What the user can set. Defaults, then what the editor sends as `initializationOptions`."""

import difflib
import logging
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from inference.remote.address import RemoteAddress, is_remote, parse_address
from lsp_server.quants import QUANTS
from midspan import SettingsError

_LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Settings:
    """One attribute for each setting, under the name that the user writes."""

    # The folder of the model, or a server (written remote:URL#MODEL); None is the built-in one.
    model: Path | RemoteAddress | None = None
    quant: Literal["auto", "none", "int8", "int4"] = "auto"  # how weights are kept; auto: by the machine's memory
    cache_bytes: int | None = None  # what the KV cache may take; None is measured from the machine
    max_tokens: int = 96  # the longest completion
    log_level: str = "info"

    @property
    def logging_level(self) -> int:
        return logging.getLevelNamesMapping()[self.log_level.upper()]


def apply_options(settings: Settings, options: object) -> tuple[Settings, list[SettingsError]]:
    """The settings with `options` over them. What is wrong is left as it was and reported, one error each."""
    if options is None:
        return settings, []
    if not isinstance(options, dict):
        return settings, [SettingsError("The settings must be an object with a name for each value.")]
    errors = []
    for name, value in options.items():
        try:
            settings = replace(settings, **{_known(str(name)): _checked(str(name), value)})
        except SettingsError as error:
            errors.append(error)
    return settings, errors


def parse_model(value: str) -> Path | RemoteAddress:
    """What the user writes for a model. Raises SettingsError."""
    return parse_address(value) if is_remote(value) else Path(value).expanduser()


def _known(name: str) -> str:
    names = [field.name for field in fields(Settings)]
    if name in names:
        return name
    nearest = difflib.get_close_matches(_snake_case(name), names, n=1, cutoff=0.5)
    advice = f"Did you mean {nearest[0]!r}?" if nearest else f"There are: {', '.join(names)}."
    raise SettingsError(f"There is no setting {name!r}. {advice}")


def _checked(name: str, value: object) -> Any:
    if value is None and name in ("model", "cache_bytes"):
        return None
    if name == "model":
        if not isinstance(value, str) or not value:
            raise SettingsError(f"The setting 'model' is the path of a model folder, not {value!r}.")
        return parse_model(value)
    if name == "quant":
        if value not in QUANTS:
            raise SettingsError(f"The setting 'quant' is one of {', '.join(QUANTS)}, not {value!r}.")
        return value
    if name == "log_level":
        if value not in _LOG_LEVELS:
            raise SettingsError(f"The setting 'log_level' is one of {', '.join(_LOG_LEVELS)}, not {value!r}.")
        return value
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SettingsError(f"The setting {name!r} is a whole number of at least 1, not {value!r}.")
    return value


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
