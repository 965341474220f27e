"""The words of a written type: those of the value itself, and those of what a container holds."""

import re
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_MAX_CHARACTERS = 200
_ARGUMENTS = re.compile(r"([\w.$]+)\s*[\[<]([^\[\]<>]*)[\]>]")
_GO_CONTAINER = re.compile(r"(?:\[\d*\]|\[\.\.\.\]|map\[[^\]]*\]|(?:<-)?chan\b)(.*)", re.DOTALL)
# Types that stand for what is between their brackets.
_OPEN = frozenset(
    {"Optional", "Union", "Annotated", "Final", "ClassVar", "Type", "type"}
    | {"Partial", "Readonly", "Required", "Promise", "Awaitable", "NonNullable"}
)
_UNKNOWN = frozenset({"Any", "None", "Self", "T"})
_PLAIN = frozenset(
    {"str", "int", "float", "bool", "bytes", "dict", "list", "tuple", "set"}
    | {"string", "number", "boolean", "object", "error", "byte"}
)


@dataclass(frozen=True)
class TypeWords:
    """`own` are the words of the type of a value, `held` those of the types of what it holds."""

    own: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()

    def __or__(self, other: "TypeWords") -> "TypeWords":
        return TypeWords(self.own | other.own, self.held | other.held)


NO_WORDS = TypeWords()


@lru_cache(maxsize=1024)
def type_words(text: str) -> TypeWords:
    """Return the words of a type as Python, TypeScript or Go writes it."""
    text = text[:_MAX_CHARACTERS].strip(" :*&\"'")
    if (container := _GO_CONTAINER.match(text)) is not None:
        return TypeWords(held=frozenset(_WORD.findall(container[1])))
    held: set[str] = set()
    while (found := _ARGUMENTS.search(text)) is not None:
        name, inner = found.groups()
        own = inner if name.rpartition(".")[2] in _OPEN else name
        if own is name:
            held |= set(_WORD.findall(inner or name))  # TypeScript's `Item[]` has nothing between the brackets
        text = f"{text[: found.start()]} {own if inner else ''} {text[found.end() :]}"
    return TypeWords(frozenset(_WORD.findall(text)), frozenset(held))


def names_a_type(word: str) -> bool:
    """Return whether a word says of what type a value is, and so of what type it is not."""
    return word in _PLAIN or (word[0].isupper() and word not in _OPEN and word not in _UNKNOWN)
