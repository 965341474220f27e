"""A key of a section of midspan.toml; all other lines stay as they are."""

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from midspan import SettingsError


def read_toml(text: str) -> dict[str, Any]:
    """Read a file. Raises SettingsError."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"It is no TOML ({error}).") from error


@dataclass(frozen=True)
class TomlKey:
    """A key whose value is a string. `earlier` is its value before; None: there was none."""

    section: str
    key: str
    value: str
    earlier: str | None = None

    def put_into(self, text: str) -> str:
        """Return the text in which the section's key has the value. Raises SettingsError."""
        return self._with_value(text, self.value)

    def take_out(self, text: str) -> str:
        """Return the text without the key, or with its earlier value, unless it has yet another one.

        Raises SettingsError.
        """
        before = read_toml(text)
        if before.get(self.section, {}).get(self.key) != self.value:
            return text
        if self.earlier is not None:
            return self._with_value(text, self.earlier)
        line = _line(text, self.section, self.key)
        changed = text if line is None else f"{text[: line.start()]}{text[line.end() :]}"
        rest = {other: kept for other, kept in before[self.section].items() if other != self.key}
        found = _read_or_none(changed)
        if found is None or found.get(self.section, {}) != rest:
            name = f"{self.section}.{self.key}"
            raise SettingsError(f"It is written in a way that Midspan does not change. Remove {name} yourself.")
        return changed

    def _with_value(self, text: str, value: str) -> str:
        before = read_toml(text)
        known = before.get(self.section, {})
        if not isinstance(known, dict):
            raise SettingsError(f"Its {self.section!r} is no section.")
        if known.get(self.key) == value:
            return text
        written = json.dumps(value, ensure_ascii=False)
        changed = self._written(text, written)
        if _read_or_none(changed) != before | {self.section: known | {self.key: value}}:
            name = f"{self.section}.{self.key}"
            raise SettingsError(f"It is written in a way that Midspan does not change. Set {name} = {written}")
        return changed

    def _written(self, text: str, written: str) -> str:
        newline = "\r\n" if "\r\n" in text else "\n"
        pair = f"{self.key} = {written}{newline}"
        if (line := _line(text, self.section, self.key)) is not None:
            return f"{text[: line.start('value')]}{written}{text[line.end('value') :]}"
        if (header := _header(self.section).search(text)) is not None:
            first = header.group() if header.group().endswith("\n") else f"{header.group()}{newline}"
            return f"{text[: header.start()]}{first}{pair}{text[header.end() :]}"
        if self.section in read_toml(text):  # of keys with dots, or inline
            return f"{self.section}.{pair}{text}"
        ended = text if not text or text.endswith("\n") else f"{text}{newline}"
        return f"{ended}{newline if ended else ''}[{self.section}]{newline}{pair}"


def _read_or_none(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _header(section: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*\[[ \t]*{re.escape(section)}[ \t]*\][^\n]*(?:\n|\Z)", re.MULTILINE)


def _line(text: str, section: str, key: str) -> re.Match[str] | None:
    """Find the line of a key: in its section, or with the section's name and a dot before all sections."""
    pair = r"{name}[ \t]*=[ \t]*(?P<value>\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')[^\n]*(?:\n|\Z)"
    if (header := _header(section).search(text)) is not None:
        following = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, header.end())
        end = following.start() if following else len(text)
        own = re.compile(r"^[ \t]*" + pair.replace("{name}", re.escape(key)), re.MULTILINE)
        return own.search(text, header.end(), end)
    dotted = re.compile(r"^[ \t]*" + pair.replace("{name}", re.escape(f"{section}.{key}")), re.MULTILINE)
    return dotted.search(text)
