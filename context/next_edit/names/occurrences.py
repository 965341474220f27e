"""The places of a name in a file: which of them bind it, which use it, and the scopes that each lies in."""

from dataclasses import dataclass
from enum import Enum

METHODS = " methods"  # the end of the kind of a scope for methods alone, where these have names of their own
MEMBERS_OF = "members of "  # before the name of a class: the kind of a scope outside its body


class Role(Enum):
    """The part that a name plays at one place."""

    BINDING = "binding"  # a definition, a parameter, the target of an assignment
    IMPORT = "import"  # binds the name of another module under the same name
    USE = "use"
    GLOBAL = "global"  # `global name`
    NONLOCAL = "nonlocal"
    ATTRIBUTE = "attribute"  # behind a dot, or the name of a field
    KEYWORD = "keyword"  # the name of an argument in a call
    IMPORTED = "imported"  # the name of another module, bound here under an alias
    EXPORTED = "exported"  # the name of another module, handed on under the same name
    MODULE = "module"  # a part of a module's name
    UNKNOWN = "unknown"


TARGETS = (Role.BINDING, Role.IMPORT)  # the roles that bind a name
SELF = frozenset({"self", "cls"})  # the names by which a method of Python calls its own object or class


@dataclass(frozen=True)
class Scope:
    """A part of a file, by its bytes, in which names are bound. `kind`: module, class, function, or block."""

    start: int
    end: int
    kind: str


def members_of(owner: str) -> Scope:
    """Return the scope in which members of the class of this name are looked up from outside its body."""
    return Scope(0, 0, f"{MEMBERS_OF}{owner}")


@dataclass(frozen=True)
class Occurrence:
    """A name at one place.

    `scopes` are those in which the name is looked up, the innermost first; a binding's first scope is the one that it
    binds the name in. `owner` is the text before the dot of an attribute, the function's text for a keyword, the
    module for an import. `owner_start` is where the owner begins.
    """

    name: str
    start: int
    end: int
    role: Role
    scopes: tuple[Scope, ...]
    owner: str = ""
    owner_start: int = -1
    is_target: bool = False  # the place gives it a value or a meaning
    is_parameter: bool = False
    is_alias: bool = False  # `import … as name`
    module: str = ""  # the text before the dot of an attribute, where it may be a module
    known_from: int = 0  # the offset from which on the scope knows the name that this place binds
    shorthand: str = ""  # a new name needs this before it, e.g. "x: " for the x in `{x}`

    @property
    def is_imported(self) -> bool:
        """True where an import gives the name its meaning."""
        return self.role == Role.IMPORT or self.is_alias
