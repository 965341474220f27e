"""Finds the imports of a file as they are written. `context.index.resolve` finds the files that they mean."""

import re
from collections.abc import Callable

# A module as it is written, and the names that are taken from it; no names for the module itself.
Import = tuple[str, list[str]]

_PYTHON_KEYWORD = re.compile("import")
_PYTHON_FROM = re.compile(r"[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)")
_PYTHON_IMPORT = re.compile(r"[ \t]*import[ \t]+([^\n#;]+)")
_SCRIPT_FROM = re.compile(r"""^[ \t]*(?:import|export)\b([^'";]*?)\bfrom[ \t]*['"]([^'"\n]+)['"]""", re.MULTILINE)
_SCRIPT_BARE = re.compile(r"""^[ \t]*import[ \t]*['"]([^'"\n]+)['"]""", re.MULTILINE)
_SCRIPT_CALL = re.compile(
    r"""(?:(?:const|let|var)\s+(\{[^}]*\}|[\w$]+)\s*=\s*(?:await\s+)?)?\b(?:require|import)\(\s*['"]([^'"\n]+)['"]"""
)
_GO_BLOCK = re.compile(r"^import[ \t]*\(([^)]*)\)", re.MULTILINE)
_GO_LINE = re.compile(r'^import[ \t]+(?:[\w.]+[ \t]+)?"([^"\n]+)"', re.MULTILINE)
_QUOTED = re.compile(r'"([^"\n]+)"')
_RUST_MOD = re.compile(r"^[ \t]*(?:pub(?:\([^)]*\))?[ \t]+)?mod[ \t]+(\w+)[ \t]*;", re.MULTILINE)
_RUST_USE = re.compile(r"^[ \t]*(?:pub(?:\([^)]*\))?[ \t]+)?use[ \t]+([^;]+);", re.MULTILINE)
_JAVA_IMPORT = re.compile(r"^[ \t]*import[ \t]+(static[ \t]+)?([\w.]+)(\.\*)?[ \t]*;", re.MULTILINE)
_C_INCLUDE = re.compile(r'^[ \t]*#[ \t]*(?:include|import)[ \t]*["<]([^">\n]+)[">]', re.MULTILINE)
_WORD = re.compile(r"[\w$]+")


def find_imports(language: str, text: str) -> list[Import]:
    """Return the imports in the order of the text. Cheap enough for every keystroke."""
    find = _FINDERS.get(language)
    return find(text) if find else []


def _python(text: str) -> list[Import]:
    found: list[Import] = []
    line_start = -1
    for keyword in _PYTHON_KEYWORD.finditer(text):  # many times faster than the patterns at every line
        if (start := text.rfind("\n", 0, keyword.start()) + 1) == line_start:
            continue
        line_start = start
        if match := _PYTHON_FROM.match(text, start):
            names = [part.split()[0] for part in match[2].strip("()\\ \t").split(",") if part.split()]
            found.append((match[1], [name for name in map(_without_comment, names) if name]))
        elif match := _PYTHON_IMPORT.match(text, start):
            found += [(words[0], []) for part in match[1].split(",") if (words := part.split())]
    return found


def _without_comment(name: str) -> str:
    match = _WORD.search(name)
    return match[0] if match else ("*" if name == "*" else "")


def _script(text: str) -> list[Import]:
    found: list[tuple[int, Import]] = []
    for match in _SCRIPT_FROM.finditer(text):
        found.append((match.start(), (match[2], _script_names(match[1]))))
    for match in _SCRIPT_BARE.finditer(text):
        found.append((match.start(), (match[1], [])))
    for match in _SCRIPT_CALL.finditer(text):
        found.append((match.start(), (match[2], _script_names(match[1] or ""))))
    return [entry for _, entry in sorted(found)]


def _script_names(clause: str) -> list[str]:
    """Return the names in a clause such as `a, { b, c as d }`, as the other file has them."""
    names = []
    for part in re.split(r"[,{}]", clause):
        words = [word for word in _WORD.findall(part) if word not in ("type", "typeof")]
        if words and not part.strip().startswith("*"):
            names.append(words[0])
    return names


def _go(text: str) -> list[Import]:
    paths = [path for block in _GO_BLOCK.findall(text) for path in _QUOTED.findall(block)]
    return [(path, []) for path in (*paths, *_GO_LINE.findall(text))]


def _rust(text: str) -> list[Import]:
    found: list[Import] = [(f"mod {name}", []) for name in _RUST_MOD.findall(text)]
    for tree in _RUST_USE.findall(text):
        for path in _rust_paths("".join(tree.split())):
            head, _, name = path.rpartition("::")
            found.append((head, [name]) if head else (name, []))
    return found


def _rust_paths(tree: str) -> list[str]:
    """Part `a::{b, c::{d, e}}` into a::b, a::c::d, a::c::e. Aliases are dropped."""
    head, brace, rest = tree.partition("{")
    if not brace:
        return [re.sub(r"(?<=\w)as\w+$", "", head)] if "as" not in head else [head.split("as")[0]]
    paths = []
    depth, start = 0, 0
    inner = rest[: rest.rfind("}")] if "}" in rest else rest
    for position, character in enumerate(inner + ","):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            if part := inner[start:position]:
                paths += _rust_paths(head + part)
            start = position + 1
    return paths


def _java(text: str) -> list[Import]:
    found: list[Import] = []
    for static, name, star in _JAVA_IMPORT.findall(text):
        if static and not star:
            owner, _, member = name.rpartition(".")
            found.append((owner, [member]))
        elif star:
            found.append((name, ["*"]))
        else:
            found.append((name, [name.rpartition(".")[2]]))
    return found


def _c(text: str) -> list[Import]:
    return [(path, []) for path in _C_INCLUDE.findall(text)]


_FINDERS: dict[str, Callable[[str], list[Import]]] = {
    "python": _python,
    "javascript": _script,
    "javascriptreact": _script,
    "typescript": _script,
    "typescriptreact": _script,
    "vue": _script,
    "svelte": _script,
    "go": _go,
    "rust": _rust,
    "java": _java,
    "c": _c,
    "cpp": _c,
    "cuda": _c,
    "objective-cpp": _c,
}
