"""The values of the settings, and their defaults. table.py says what each means, sources.py where users write them."""

import logging
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, Literal, get_args

from inference.remote.address import RemoteAddress
from lsp_server.settings.model_content import AllowedModel
from lsp_server.settings.quants import CacheDtype, Quant

# The chance of being right from which on a text is shown unasked: a high one, a middle one, a low one.
Eagerness = Literal["low", "medium", "high"]
EAGERNESS: tuple[Eagerness, ...] = get_args(Eagerness)
# The models that weigh lines of the user's code against what they write.
KnownLines = Literal["builtin", "any", "none"]
KNOWN_LINES: tuple[KnownLines, ...] = get_args(KnownLines)


@dataclass(frozen=True)
class ModelSettings:
    """A section of the settings, for one of the two models. Attributes have the names that the user writes."""

    # The folder of a model, the name of one that is not here, a workspace's own, or a server; None: the built-in one.
    model: Path | AllowedModel | RemoteAddress | None = None
    quant: Quant = "auto"  # the form of the weights; auto: by the machine's memory
    cache_bytes: int | None = None  # the size of the prefix cache; None: by the machine's memory
    max_tokens: int = 96  # the longest output
    cache_dtype: CacheDtype = "auto"  # the type of the cached keys and values; auto: that of the model
    device: str = "auto"  # the device that runs the model; auto: a GPU that holds it, else the CPU


@dataclass(frozen=True)
class CompletionSettings(ModelSettings):
    """The section of completion: its model, and the places where nothing is completed."""

    enabled: bool = True
    eagerness: Eagerness = "medium"
    disabled_languages: tuple[str, ...] = ()
    disabled_globs: tuple[str, ...] = ()
    in_comments: bool = True
    look_ahead: bool = True
    moved_suffix: bool = True
    disk_cache_bytes: int = 1_000_000_000  # of the kept pages of all workspaces; 0: none are kept
    ahead_on_battery: bool = False
    quick_first: bool = True
    copy: bool = True
    known_lines: KnownLines = "none"

    @property
    def scores_known_lines(self) -> bool:
        """True where the model scores lines of the user's code beside its own."""
        return self.known_lines == "any" or (self.known_lines == "builtin" and self.model is None)


@dataclass(frozen=True)
class NextEditSettings(ModelSettings):
    """The section of next edits: its model; None: that of completion. `when` is "always", "by_key" or "never"."""

    when: str = "always"


@dataclass(frozen=True)
class Settings:
    """All settings: the sections, and the settings outside of them."""

    completion: CompletionSettings = CompletionSettings()
    # Without a model there is no chat: the built-in model is not trained for it.
    chat: ModelSettings = field(default_factory=lambda: ModelSettings(max_tokens=2048))
    log_level: str = "info"
    stats: bool = True  # True: the session's completions are counted
    next_edit: NextEditSettings = NextEditSettings()

    @property
    def logging_level(self) -> int:
        return logging.getLevelNamesMapping()[self.log_level.upper()]

    def value(self, name: str) -> Any:
        """Return the value of the setting with this name of the table, such as "chat.model"."""
        return reduce(getattr, name.split("."), self)

    def with_value(self, name: str, value: Any) -> "Settings":
        """Return these settings with another value, which has passed the check of the table, for one name."""
        section, _, attribute = name.rpartition(".")
        if not section:
            return replace(self, **{attribute: value})
        return replace(self, **{section: replace(getattr(self, section), **{attribute: value})})
