"""The calls that a change lies in, with their arguments, by words alone; and the parameters that a function changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evaluation.next_edit.signatures import Function, callee_before
from evaluation.next_edit.words import Word

_SELF = {"self", "cls"}
_OPENING, _CLOSING = {"(", "[", "{"}, {")", "]", "}"}
_MOST_ARGUMENT_WORDS = 400


@dataclass(frozen=True)
class Argument:
    """An argument: its place among those without a keyword, its keyword ("" for none), and the words of its value."""

    place: int
    keyword: str
    value: tuple[str, ...]


@dataclass(frozen=True)
class SignatureChange:
    """The parameters of a function before and after, without self."""

    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def gained(self) -> tuple[str, ...]:
        return tuple(name for name in self.new if name not in self.old)

    @property
    def lost(self) -> tuple[str, ...]:
        return tuple(name for name in self.old if name not in self.new)

    def explains(self, removed: Sequence[Argument], added: Sequence[Argument]) -> bool:
        """Return whether just the arguments of lost parameters went, and just those of gained ones came."""
        return all(_parameter(one, self.old) in self.lost for one in removed) and all(
            _parameter(one, self.new) in self.gained for one in added
        )


def signature_change(old: Function, new: Function) -> SignatureChange:
    """Return how the parameters of a function changed."""
    return SignatureChange(_without_self(old.parameters), _without_self(new.parameters))


def parameter_of(argument: Argument, change: SignatureChange) -> str:
    """Return the new parameter that the argument gives a value."""
    return _parameter(argument, change.new)


def arguments_around(words: Sequence[Word], index: int, name: str) -> tuple[Argument, ...] | None:
    """Return the arguments of the innermost call of `name` around the place before `index`; None: no call."""
    opening = callee_before(words, index, name)
    return tuple(_arguments(words, opening)) if opening is not None else None


def callee_at(words: Sequence[Word], index: int) -> str:
    """Return the name of the call whose brackets the place before `index` is directly in; "" for none."""
    depth = 0
    for at in range(index - 1, max(0, index - _MOST_ARGUMENT_WORDS), -1):
        text = words[at].text if words[at].kind == "mark" else ""
        depth += (text in _OPENING) - (text in _CLOSING)
        if depth > 0:
            return words[at - 1].text if text == "(" and words[at - 1].kind == "name" else ""
    return ""


def changed_arguments(
    old: Sequence[Argument], new: Sequence[Argument]
) -> tuple[tuple[Argument, ...], tuple[Argument, ...]]:
    """Return the arguments that only the old call has, and those that only the new one has."""
    was, now = ({(one.keyword, one.value) for one in side} for side in (old, new))
    return (
        tuple(one for one in old if (one.keyword, one.value) not in now),
        tuple(one for one in new if (one.keyword, one.value) not in was),
    )


def _arguments(words: Sequence[Word], opening: int) -> Iterator[Argument]:
    depth, place = 0, 0
    value: list[str] = []
    for word in words[opening + 1 : opening + _MOST_ARGUMENT_WORDS]:
        is_mark = word.kind == "mark"
        if is_mark and not depth and word.text in (*_CLOSING, ","):
            if value:
                is_named = value[1:2] == ["="] and value[2:3] != ["="]
                keyword = value[0] if is_named else ""
                yield Argument(place, keyword, tuple(value[2:] if is_named else value))
                place += 1
            value = []
            if word.text != ",":
                return
            continue
        depth += is_mark * ((word.text in _OPENING) - (word.text in _CLOSING))
        value.append(word.text)


def _parameter(argument: Argument, parameters: Sequence[str]) -> str:
    if argument.keyword:
        return argument.keyword
    return parameters[argument.place] if argument.place < len(parameters) else ""


def _without_self(parameters: Sequence[str]) -> tuple[str, ...]:
    return tuple(parameters[1:] if parameters and parameters[0] in _SELF else parameters)
