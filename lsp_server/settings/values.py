"""What the user can set, as values. setting_table.py says what each means, settings_sources.py where it is written."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from inference.remote.address import RemoteAddress

LONGEST_ANSWER_TOKENS = 2048


@dataclass(frozen=True)
class ModelSettings:
    """A section: one of the two models. An attribute for each setting, under the name that the user writes."""

    # The folder of the model, the name of one that is to be fetched, or a server; None is the built-in model.
    model: Path | RemoteAddress | None = None
    quant: Literal["auto", "none", "int8", "int4"] = "auto"  # how weights are kept; auto: by the machine's memory
    cache_bytes: int | None = None  # what the KV cache may take; None is measured from the machine
    max_tokens: int = 96  # the longest output


@dataclass(frozen=True)
class CompletionSettings(ModelSettings):
    """The section of completion: its model, and where nothing is completed."""

    enabled: bool = True
    disabled_languages: tuple[str, ...] = ()
    disabled_globs: tuple[str, ...] = ()
    in_comments: bool = True
    look_ahead: bool = True


@dataclass(frozen=True)
class Settings:
    """The sections, and what stands in none."""

    completion: CompletionSettings = CompletionSettings()
    # Without a model there is no chat: the built-in one has not learned to.
    chat: ModelSettings = field(default_factory=lambda: ModelSettings(max_tokens=LONGEST_ANSWER_TOKENS))
    log_level: str = "info"
    stats: bool = True  # whether the session's completions are counted

    @property
    def logging_level(self) -> int:
        return logging.getLevelNamesMapping()[self.log_level.upper()]

    def with_value(self, name: str, value: Any) -> "Settings":
        """`name` is of the table, such as "chat.model", and the value has passed its check."""
        section, _, attribute = name.rpartition(".")
        if not section:
            return replace(self, **{attribute: value})
        return replace(self, **{section: replace(getattr(self, section), **{attribute: value})})
