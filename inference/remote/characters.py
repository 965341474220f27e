"""A remote model's prompt as ids. The server has the tokenizer, so an id is a code point here; what only Midspan may
write has ids above the last code point. So text of a file cannot become a control token, as with the engine inside
the process, and prompts are compared, cut and reported the same way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inference.api import ContextFile, Message, Role

_FIM_BEGIN, _FIM_HOLE, _FIM_END = range(0x110000, 0x110003)
_ROLES: dict[Role, int] = {"system": 0x110003, "user": 0x110004, "assistant": 0x110005}
_ROLE_OF_ID = {number: role for role, number in _ROLES.items()}

# A little more than the tokens of DeepSeek's and Qwen's vocabularies: 1.0 to 1.7 pieces a token for source files.
_PIECE = re.compile(r"[A-Za-z]{1,7}|\d|[^\W\d_A-Za-z]|[ \t]+|\n+|[^\w\s]{1,4}|_|\s")

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Hole:
    """Text before and after a hole."""

    before: str
    after: str


def estimate_tokens(text: str) -> int:
    """About how many tokens a server will make of it, rather too many than too few."""
    return sum(1 for _ in _PIECE.finditer(text))


def hole_prompt(before: str, after: str) -> tuple[int, ...]:
    """The ids of a hole."""
    return (_FIM_BEGIN, *map(ord, before), _FIM_HOLE, *map(ord, after), _FIM_END)


def chat_prompt(messages: Sequence[Message]) -> tuple[int, ...]:
    """The ids of a conversation."""
    return tuple(number for message in messages for number in (_ROLES[message.role], *map(ord, message.content)))


def with_files(messages: Sequence[Message], files: Sequence[ContextFile]) -> Sequence[Message]:
    """The conversation with files before it: many a server's template takes one system message, and takes it first."""
    if not files:
        return messages
    shown = "\n".join(file.title + file.text for file in files)
    if messages and messages[0].role == "system":
        return [Message("system", f"{shown}\n{messages[0].content}"), *messages[1:]]
    return [Message("system", shown), *messages]


def read_prompt(ids: Sequence[int]) -> Hole | tuple[Message, ...]:
    """What `hole_prompt` or `chat_prompt` was given."""
    if ids[0] == _FIM_BEGIN:
        hole = ids.index(_FIM_HOLE)
        return Hole(_text(ids[1:hole]), _text(ids[hole + 1 : -1]))
    starts = [index for index, number in enumerate(ids) if number in _ROLE_OF_ID]
    ends = [*starts[1:], len(ids)]
    return tuple(
        Message(_ROLE_OF_ID[ids[start]], _text(ids[start + 1 : end])) for start, end in zip(starts, ends, strict=True)
    )


def _text(ids: Sequence[int]) -> str:
    return _LONE_SURROGATE.sub("\ufffd", "".join(map(chr, ids)))  # an editor may hold one; no encoder takes it
