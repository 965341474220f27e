"""A member of a settings file of VS Code: JSON with comments and trailing commas, which all stay as they are."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from midspan import SettingsError

_TOKEN = re.compile(r'(?P<space>\s+|//[^\n]*|/\*(?s:.*?)\*/)|(?P<text>"(?:[^"\\\n]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"/]+)')


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int


def read_json(text: str) -> dict[str, Any]:
    """Read the object of a file; an empty file is an empty object. Raises SettingsError."""
    tokens = list(_tokens(text))
    following = [token.text for token in tokens[1:]]
    pieces = [t.text for t, after in zip_longest(tokens, following) if t.text != "," or after not in ("]", "}")]
    try:
        found = json.loads(" ".join(pieces)) if pieces else {}
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"It is no JSON ({error}).") from error
    if not isinstance(found, dict):
        raise SettingsError("It holds no JSON object.")
    return found


@dataclass(frozen=True)
class JsonMember:
    """A member with a value that is a string. `earlier` is its value before; None: there was none."""

    name: str
    value: str
    earlier: object = None

    def put_into(self, text: str) -> str:
        """Return the text with the member last in its object, or with its value where it is. Raises SettingsError."""
        before = read_json(text)
        if before.get(self.name) == self.value:
            return text
        return _with_value(text, before, self.name, self.value)

    def take_out(self, text: str) -> str:
        """Return the text without the member, or with its earlier value, unless it has yet another one.

        Raises SettingsError.
        """
        before = read_json(text)
        if before.get(self.name) != self.value:
            return text
        if self.earlier is not None:
            return _with_value(text, before, self.name, self.earlier)
        changed = _without(text, self.name)
        if read_json(changed) != {name: value for name, value in before.items() if name != self.name}:
            raise SettingsError(f"It is written in a way that Midspan does not change. Remove {self.name!r} yourself.")
        return changed


def _with_value(text: str, before: dict[str, Any], name: str, value: object) -> str:
    written = json.dumps(value, ensure_ascii=False)
    if name in before:
        _, _, token, _ = _member(text, name)
        changed = f"{text[: token.start]}{written}{text[token.end :]}"
    else:
        changed = _added(text, f"{json.dumps(name)}: {written}")
    if read_json(changed) != before | {name: value}:
        raise SettingsError(f"It is written in a way that Midspan does not change. Add: {json.dumps(name)}: {written}")
    return changed


def _without(text: str, name: str) -> str:
    previous, key, token, following = _member(text, name)
    start, end = key.start, following.end if following.text == "," else token.end
    line, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end) + 1
    if not text[line:start].strip() and line_end and not text[end:line_end].strip():
        start, end = line, line_end
    else:
        start = len(text[:start].rstrip(" ")) if previous.text == "," else start
    text = f"{text[:start]}{text[end:]}"
    if previous.text == "," and following.text != ",":  # no comma stands behind the last member
        text = f"{text[: previous.start]}{text[previous.end :]}"
    return text


def _added(text: str, member: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    tokens = list(_tokens(text))
    if len(tokens) <= 2:  # nothing, or {}
        inner = text[tokens[0].end : tokens[1].start].rstrip() if tokens else ""
        opened = text[: tokens[0].end] if tokens else "{"
        closed = text[tokens[1].start :] if tokens else f"}}{newline}"
        return f"{opened}{inner}{newline}    {member}{newline}{closed}"
    brace = max(place for place, token in enumerate(tokens) if token.text == "}")
    last, has_comma = tokens[brace - 1], tokens[brace - 1].text == ","
    line_end = text.find("\n", last.end)
    if not 0 <= line_end < tokens[brace].start:  # the brace stands in the last member's line
        return f"{text[: last.end]}{' ' if has_comma else ', '}{member}{text[last.end :]}"
    if text[line_end - 1] == "\r":
        line_end -= 1
    indent = next(iter(re.findall(r"(?m)^([^\S\n]*)\"", text)), "    ")
    comma = ("", ",") if has_comma else (",", "")
    rest = f"{comma[0]}{text[last.end : line_end]}{newline}{indent}{member}{comma[1]}"
    return f"{text[: last.end]}{rest}{text[line_end:]}"


def _member(text: str, name: str) -> tuple[_Token, _Token, _Token, _Token]:
    """Return the token before a member, its key, its value, which is no object and no list, and the token after it."""
    depth, found = 0, None
    tokens = list(_tokens(text))
    for place, token in enumerate(tokens):
        depth += (token.text in "{[") - (token.text in "]}")
        if depth == 1 and token.text == ":" and json.loads(tokens[place - 1].text) == name:
            found = place  # of several, the last counts
    if found is None or tokens[found + 1].text in "{[":
        raise SettingsError(f"It is written in a way that Midspan does not change. Change {name!r} yourself.")
    before, key, _, value, after = tokens[found - 2 : found + 3]
    return before, key, value, after


def _tokens(text: str) -> Iterator[_Token]:
    """Yield what is no space and no comment. Raises SettingsError."""
    place = 1 if text.startswith("\ufeff") else 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise SettingsError(f"Line {text.count(chr(10), 0, place) + 1} is no JSON.")
        if found["text"] is not None:
            yield _Token(found["text"], *found.span())
        place = found.end()
