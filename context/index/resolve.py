"""Finds the files of the workspace that an import means.

Only files that the rules allow are known here, so an import never leads out of the workspace or into an ignored
folder. An import of something outside resolves to no file.
"""

import json
import re
import sys
from collections.abc import Iterable
from posixpath import dirname, normpath
from typing import Any, Protocol

from context.syntax.imports import Import

_SCRIPT_SUFFIXES = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte", ".json")
# A string or a comment without its end reaches to the end of the text: to look for other ends takes for ever.
_JSON_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*+"?)|/\*.*?(?:\*/|\Z)|//[^\n]*', re.DOTALL)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_MAX_EXTENDS = 5
_MAX_TARGETS = 100
_MAX_CONFIGURATION_CHARACTERS = 100_000


class Files(Protocol):
    """The files of a workspace that may be read."""

    def existing(self, paths: Iterable[str]) -> set[str]: ...

    def named(self, name: str) -> list[str]: ...

    def in_folder(self, folder: str) -> list[str]: ...

    def whole_text(self, path: str) -> str: ...


def resolve(imported: Import, path: str, language: str, files: Files) -> list[str]:
    """Return the files that an import in the file `path` means, the most specific first."""
    module, names = imported
    match language:
        case "python":
            return _python(module, names, path, files)
        case "javascript" | "javascriptreact" | "typescript" | "typescriptreact" | "vue" | "svelte":
            return _script(module, path, files)
        case "go":
            return _go(module, path, files)
        case "rust":
            return _rust(module, names, path, files)
        case "java":
            return _java(module, names, files)
        case "c" | "cpp" | "cuda" | "objective-cpp":
            return _c(module, path, files)
    return []


def _ancestors(folder: str) -> list[str]:
    """Return the folder and those around it, the innermost first, the root ("") last."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:depth]) for depth in range(len(parts), -1, -1)]


def _join(*parts: str) -> str:
    path = normpath("/".join(part for part in parts if part))
    return "" if path == "." else path


def _first_existing(candidates: list[str], files: Files) -> list[str]:
    existing = files.existing(candidates)
    return next(([path] for path in candidates if path in existing), [])


def _python(module: str, names: list[str], path: str, files: Files) -> list[str]:
    stem = module.lstrip(".")
    inner = stem.replace(".", "/")
    if dots := len(module) - len(stem):
        around = _ancestors(dirname(path))
        roots = around[dots - 1 : dots]
    else:
        # The outermost folder first: a package's own folder is no place to import from.
        # A module of the standard library is not one of that name beside the importing file.
        is_standard = stem.partition(".")[0] in sys.stdlib_module_names
        roots = ["", "src", "lib", *([] if is_standard else reversed(_ancestors(dirname(path))[:-1]))]
    by_root = [
        (
            _python_files(_join(root, inner)),
            [_python_files(_join(root, inner, name)) for name in names if name != "*"],
        )
        for root in roots
    ]
    existing = files.existing(
        candidate for own, submodules in by_root for group in (own, *submodules) for candidate in group
    )
    for own, submodules in by_root:
        found = [candidate for group in submodules for candidate in group if candidate in existing]
        found += [candidate for candidate in own if candidate in existing]
        if found:
            return found
    return []


def _python_files(module: str) -> list[str]:
    files = [f"{module}.py", f"{module}.pyi"] if module else []
    return [*files, _join(module, "__init__.py"), _join(module, "__init__.pyi")]


def _script(module: str, path: str, files: Files) -> list[str]:
    if module.startswith("."):
        return _first_existing(_script_files(_join(dirname(path), module)), files)
    for folder, options in _script_configurations(path, files):
        targets = _script_targets(module, options)
        if "baseUrl" in options:
            base = _join(folder, str(options["baseUrl"]))
            targets.append(module)
        else:
            base = folder
        candidates = [file for target in targets for file in _script_files(_join(base, target))]
        if found := _first_existing(candidates, files):
            return found
    return []


def _script_files(target: str) -> list[str]:
    stem = re.sub(r"\.[mc]?jsx?$", "", target)  # "./a.js" may be written for a.ts
    stems = [target] if stem == target else [target, stem]
    names = [stem + suffix for stem in stems for suffix in _SCRIPT_SUFFIXES]
    return [target, *names, *(_join(target, f"index{suffix}") for suffix in _SCRIPT_SUFFIXES)]


def _script_targets(module: str, options: dict[str, Any]) -> list[str]:
    """Return the places that the `paths` of a tsconfig give for a module's name."""
    paths = options.get("paths")
    targets: list[str] = []
    for pattern, places in paths.items() if isinstance(paths, dict) else ():
        head, star, tail = pattern.partition("*")
        if star and module.startswith(head) and module.endswith(tail):
            middle = module[len(head) : len(module) - len(tail)]
        elif pattern == module:
            middle = ""
        else:
            continue
        targets += [str(place).replace("*", middle) for place in places] if isinstance(places, list) else []
    return targets[:_MAX_TARGETS]


def _script_configurations(path: str, files: Files) -> list[tuple[str, dict[str, Any]]]:
    """Return the folders and compiler options of a file's nearest configuration, and of those that it extends."""
    candidates = [
        _join(folder, name) for folder in _ancestors(dirname(path)) for name in ("tsconfig.json", "jsconfig.json")
    ]
    found: list[tuple[str, dict[str, Any]]] = []
    pending = _first_existing(candidates, files)
    while pending and len(found) < _MAX_EXTENDS:
        configuration_path = pending.pop()
        configuration = _relaxed_json(files.whole_text(configuration_path))
        folder = dirname(configuration_path)
        options = configuration.get("compilerOptions")
        found.append((folder, options if isinstance(options, dict) else {}))
        extended = configuration.get("extends")
        for name in extended if isinstance(extended, list) else [extended]:
            if isinstance(name, str) and name.startswith("."):
                target = _join(folder, name)
                pending += _first_existing([target, f"{target}.json"], files)
    return found


def _relaxed_json(text: str) -> dict[str, Any]:
    """Read JSON with comments and trailing commas; {} for any other text."""
    if len(text) > _MAX_CONFIGURATION_CHARACTERS:
        return {}
    text = _JSON_COMMENT.sub(lambda match: match[1] or "", text)
    try:
        value = json.loads(_TRAILING_COMMA.sub(r"\1", text))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _go(module: str, path: str, files: Files) -> list[str]:
    around = _ancestors(dirname(path))
    for configuration in _first_existing([_join(folder, "go.mod") for folder in around], files):
        match = re.search(r"^module\s+(\S+)", files.whole_text(configuration), re.MULTILINE)
        if match and (module == match[1] or module.startswith(match[1] + "/")):
            return _go_package(_join(dirname(configuration), module[len(match[1]) + 1 :]), files)
        return []
    # Without a module the folder is named from the root of the sources, in which the importing file is too.
    first = module.partition("/")[0]
    roots = [dirname(folder) for folder in around if folder.rpartition("/")[2] == first]
    return next((found for root in roots if (found := _go_package(_join(root, module), files))), [])


def _go_package(folder: str, files: Files) -> list[str]:
    return [file for file in files.in_folder(folder) if file.endswith(".go") and not file.endswith("_test.go")]


def _rust(module: str, names: list[str], path: str, files: Files) -> list[str]:
    folder, file_name = dirname(path), path.rsplit("/", 1)[-1]
    is_crate = _is_rust_crate(folder, files)
    is_own = is_crate or file_name in ("mod.rs", "lib.rs", "main.rs")
    own = folder if is_own else _join(folder, file_name.removesuffix(".rs"))
    if module.startswith("mod "):
        name = module.removeprefix("mod ")
        return _first_existing([_join(own, f"{name}.rs"), _join(own, name, "mod.rs")], files)
    is_outside = False
    parts = [*module.split("::"), *(name for name in names if name != "*")]
    if parts[0] == "crate":
        roots = [folder for folder in _ancestors(folder) if folder.rsplit("/", 1)[-1] == "src"] or [""]
        bases, parts = [folder] if is_crate else roots[:1], parts[1:]
    elif parts[0] in ("self", "super"):
        bases = [own]
        while parts and parts[0] in ("self", "super"):
            bases = [dirname(bases[0])] if parts[0] == "super" else bases
            parts = parts[1:]
    else:
        crates = [dirname(file) for file in files.named("lib.rs")]
        bases = _own_crate(parts[0], folder, files) or [
            crate
            for crate in crates
            if dirname(crate).rsplit("/", 1)[-1].replace("-", "_") == parts[0] and crate.endswith("src")
        ]
        is_outside = not bases  # a module in this one, or somebody else's crate
        parts = parts if is_outside else parts[1:]
        bases = bases or [own]
    candidates = []
    for base in bases:
        for length in range(len(parts), 0, -1):
            inner = _join(base, *parts[:length])
            candidates += [f"{inner}.rs", f"{inner}/mod.rs"]
        if not is_outside:
            candidates += [_join(base, "lib.rs"), _join(base, "mod.rs"), f"{base}.rs"]
    return _first_existing(candidates, files)


def _is_rust_crate(folder: str, files: Files) -> bool:
    """Return whether each file of a folder is a crate of its own: a program, a test, a benchmark or an example."""
    outer, _, name = folder.rpartition("/")
    if name == "bin":
        return outer.rpartition("/")[2] == "src"
    return name in ("tests", "benches", "examples") and bool(files.existing([_join(outer, "Cargo.toml")]))


def _own_crate(name: str, folder: str, files: Files) -> list[str]:
    for manifest in _first_existing([_join(around, "Cargo.toml") for around in _ancestors(folder)], files):
        found = re.search(r'^name\s*=\s*"([^"]+)"', files.whole_text(manifest), re.MULTILINE)
        if found and found[1].replace("-", "_") == name:
            return [_join(dirname(manifest), "src")]
    return []


def _java(module: str, names: list[str], files: Files) -> list[str]:
    inner = module.replace(".", "/")
    if names == ["*"]:
        folders = {dirname(path) for path in files.named("*.java")}
        folder = next((f for f in sorted(folders) if f == inner or f.endswith("/" + inner)), None)
        return files.in_folder(folder) if folder is not None else []
    # The class itself, or the one that it or the static member is in.
    while inner:
        tail = f"{inner}.java"
        name = tail.rsplit("/", 1)[-1]
        if found := [path for path in files.named(name) if path == tail or path.endswith("/" + tail)]:
            return found
        inner = dirname(inner)
        if inner and not inner.rsplit("/", 1)[-1][:1].isupper():
            return []
    return []


def _c(module: str, path: str, files: Files) -> list[str]:
    folder = dirname(path)
    near = [_join(around, inner, module) for around in _ancestors(folder) for inner in ("", "include", "src")]
    if found := _first_existing(near, files):
        return found
    name = module.rsplit("/", 1)[-1]
    matching = [file for file in files.named(name) if file.endswith("/" + module)]
    return sorted(matching, key=lambda file: (-_shared_folders(file, path), file))[:1]


def _shared_folders(some: str, other: str) -> int:
    count = 0
    for mine, theirs in zip(some.split("/")[:-1], other.split("/")[:-1], strict=False):
        if mine != theirs:
            break
        count += 1
    return count
