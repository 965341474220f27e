"""Finds the imports of a file as they are written. `context.index.resolve` finds the files that they mean.

Each statement is matched within a window of the text, and a text has only so many statements, so that no text takes
long: an expression such as `import [^;]*? from` by itself reads a text of a million `import`s a million times.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

# A module as it is written, and the names that are taken from it; no names for the module itself.
Import = tuple[str, list[str]]

_MAX_STATEMENT_CHARACTERS = 4000
_MAX_STATEMENTS = 2000
_MAX_IMPORTS = 4000
_MAX_MODULE_CHARACTERS = 500
_MAX_DEPTH = 50  # of the braces in a `use` of Rust

_PYTHON_FROM = re.compile(r"[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)")
_PYTHON_IMPORT = re.compile(r"[ \t]*import[ \t]+([^\n#;]+)")
_SCRIPT_LINE = re.compile(r"^[ \t]*(?:import\b|export[ \t]*(?:[*{]|type\b))", re.MULTILINE)
_SCRIPT_FROM = re.compile(r"""[ \t]*(?:import|export)\b([^'";=(<]*?)\bfrom[ \t]*['"]([^'"\n]+)['"]""")
_SCRIPT_BARE = re.compile(r"""[ \t]*import()[ \t]*['"]([^'"\n]+)['"]""")
_SCRIPT_CALL = re.compile(r"""\b(?:require|import)\(\s*['"]([^'"\n]+)['"]""")
_SCRIPT_DECLARES = re.compile(r"\b(?:const|let|var)\s+$")
_DECLARES_CHARACTERS = 40
_GO_LINE = re.compile(r"^import\b", re.MULTILINE)
_GO_BLOCK = re.compile(r"import[ \t]*\(([^)]*)\)")
_GO_IMPORT = re.compile(r'import[ \t]+(?:[\w.]+[ \t]+)?"([^"\n]+)"')
_QUOTED = re.compile(r'"([^"\n]+)"')
_RUST_LINE = re.compile(r"^[ \t]*(?:pub(?:\([^)\n]{0,200}\))?[ \t]+)?(?=(?:mod|use)\b)", re.MULTILINE)
_RUST_MOD = re.compile(r"mod[ \t]+(\w+)[ \t]*;")
_RUST_USE = re.compile(r"use[ \t]+([^;]+);")
_RUST_ALIAS = re.compile(r" as \w+")
_JAVA_IMPORT = re.compile(r"^[ \t]*import[ \t]+(static[ \t]+)?([\w.]+)(\.\*)?[ \t]*;", re.MULTILINE)
_C_INCLUDE = re.compile(r'^[ \t]*#[ \t]*(?:include|import)[ \t]*["<]([^">\n]+)[">]', re.MULTILINE)
_WORD = re.compile(r"[\w$]+")


def find_imports(language: str, text: str) -> list[Import]:
    """Return the imports in the order of the text. Cheap enough for every keystroke."""
    find = _FINDERS.get(language)
    found = find(text) if find else ()
    return [imported for imported in islice(found, _MAX_IMPORTS) if len(imported[0]) <= _MAX_MODULE_CHARACTERS]


def _python(text: str) -> Iterator[Import]:
    place, statements = 0, 0
    # To look for the word is many times faster than the patterns at every line.
    while (keyword := text.find("import", place)) >= 0 and statements < _MAX_STATEMENTS:
        start = max(place, text.rfind("\n", place, keyword) + 1)
        end = start + _MAX_STATEMENT_CHARACTERS
        if match := _PYTHON_FROM.match(text, start, end):
            names = [part.split()[0] for part in match[2].strip("()\\ \t").split(",") if part.split()]
            yield match[1], [name for name in map(_without_comment, names) if name]
        elif match := _PYTHON_IMPORT.match(text, start, end):
            yield from ((words[0], []) for part in match[1].split(",") if (words := part.split()))
        place, statements = text.find("\n", keyword), statements + 1
        if place < 0:
            return


def _without_comment(name: str) -> str:
    match = _WORD.search(name)
    return match[0] if match else ("*" if name == "*" else "")


def _script(text: str) -> list[Import]:
    found: list[tuple[int, Import]] = []
    over = 0
    for start in _starts(_SCRIPT_LINE, text):
        end = start + _MAX_STATEMENT_CHARACTERS
        if start < over:
            continue
        if match := _SCRIPT_FROM.match(text, start, end) or _SCRIPT_BARE.match(text, start, end):
            found.append((start, (match[2], _script_names(match[1]))))
            over = match.end()
    for match in islice(_SCRIPT_CALL.finditer(text), _MAX_STATEMENTS):
        assigned = _assigned(text[max(0, match.start() - _MAX_STATEMENT_CHARACTERS) : match.start()])
        found.append((match.start(), (match[1], _script_names(assigned))))
    return [entry for _, entry in sorted(found)]


def _starts(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    return (match.start() for match in islice(pattern.finditer(text), _MAX_STATEMENTS))


def _assigned(before: str) -> str:
    """Return what is declared with the value of a call, from the text before the call; "" for nothing."""
    before = before.rstrip().removesuffix("await").rstrip()
    if not before.endswith("="):
        return ""
    before = before[:-1].rstrip()
    if before.endswith("}"):
        start = before.rfind("{")
    else:
        name = _WORD.match(before[::-1])
        start = len(before) - (name.end() if name else 0)
    declares = start >= 0 and _SCRIPT_DECLARES.search(before[max(0, start - _DECLARES_CHARACTERS) : start])
    return before[start:] if declares else ""


def _script_names(clause: str) -> list[str]:
    """Return the names in a clause such as `a, { b, c as d }`, as the other file has them; "*" for all of them."""
    if clause.split()[-1:] == ["*"]:  # of `export * from`, or `export type * from`
        return ["*"]
    names = []
    for part in re.split(r"[,{}]", clause):
        words = [word for word in _WORD.findall(part) if word not in ("type", "typeof")]
        if words and "*" not in part:
            names.append(words[0])
    return names


def _go(text: str) -> Iterator[Import]:
    for start in _starts(_GO_LINE, text):
        end = start + _MAX_STATEMENT_CHARACTERS
        if block := _GO_BLOCK.match(text, start, end):
            yield from ((path, []) for path in _QUOTED.findall(block[1]))
        elif match := _GO_IMPORT.match(text, start, end):
            yield match[1], []


def _rust(text: str) -> Iterator[Import]:
    for line in islice(_RUST_LINE.finditer(text), _MAX_STATEMENTS):
        start, end = line.end(), line.end() + _MAX_STATEMENT_CHARACTERS
        if match := _RUST_MOD.match(text, start, end):
            yield f"mod {match[1]}", []
        elif match := _RUST_USE.match(text, start, end):
            for path in _rust_paths(_RUST_ALIAS.sub("", " ".join(match[1].split())).replace(" ", "")):
                head, _, name = path.rpartition("::")
                yield (head, [name]) if head else (name, [])


def _rust_paths(tree: str) -> Iterator[str]:
    """Part `a::{b, c::{d, e}}` into a::b, a::c::d, a::c::e."""
    heads, start = [""], 0
    for position, character in enumerate(tree + ","):
        if character not in "{},":
            continue
        part = tree[start:position]
        start = position + 1
        if character == "{":
            if len(heads) > _MAX_DEPTH:
                return
            heads.append(heads[-1] + part)
            continue
        if part:
            yield heads[-1] + part
        if character == "}" and len(heads) > 1:
            heads.pop()


def _java(text: str) -> Iterator[Import]:
    for match in _JAVA_IMPORT.finditer(text):
        static, name, star = match.groups()
        if static and not star:
            owner, _, member = name.rpartition(".")
            yield owner, [member]
        elif star:
            yield name, ["*"]
        else:
            yield name, [name.rpartition(".")[2]]


def _c(text: str) -> Iterator[Import]:
    return ((match[1], []) for match in _C_INCLUDE.finditer(text))


_FINDERS: dict[str, Callable[[str], Iterable[Import]]] = {
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
