"""Messages that no editor should send, each with the answers that the daemon may give."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
NOT_INITIALIZED, REQUEST_FAILED, CANCELLED = -32002, -32803, -32800
RESULT = 0  # stands among the codes for an answer without an error

Number = int | str | None
Dice = Any  # random.Random, whose choice is typed too narrowly for what is chosen from here


@dataclass(frozen=True)
class Hostile:
    """A message. Its one answer has one of `codes`; without codes there must be no answer. `number` is the id."""

    body: bytes
    codes: frozenset[int] = frozenset()
    number: Number = None


class Numbers:
    """A source of unique ids: whole numbers and strings, some of them strange."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._count = itertools.count(1000)

    def next(self) -> int | str:
        number = next(self._count)
        strange = f"\ud800{number}", f"{number}" * 50, f"-{number}", f"é😀\0{number}", f"midspan-relay-{number}"
        chosen: int | str = self._dice.choice(
            [number, -number, number * 2**60, f"n{number}", self._dice.choice(strange)]
        )
        return chosen


def request(method: str, params: Any, number: Number, *codes: int) -> Hostile:
    return Hostile(body({"id": number, "method": method, "params": params}), frozenset(codes), number)


def notification(method: str, params: Any) -> Hostile:
    return Hostile(body({"method": method, "params": params}))


def body(message: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


Messages = Iterator[Hostile]
