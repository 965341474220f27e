"""The imports between the files of a package, read from the text, and an order that follows them."""

import re
from pathlib import PurePosixPath

IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+([^\n#]+)|import[ \t]+([\w., \t]+))", re.M)
MAX_IMPORTS = 12


def module_name(path: str) -> str:
    """`a/b.py` is `a.b`, `a/__init__.py` is `a`."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_imports(path: str, text: str, modules: dict[str, int]) -> list[int]:
    """Indices (values of `modules`) of the package's files that this file imports, in order."""
    here = module_name(path).split(".")
    package = here if path.endswith("__init__.py") else here[:-1]
    found: dict[int, None] = {}
    for dots, source, names, plain in IMPORT.findall(text):
        if plain:
            targets = [name.split()[0] for name in plain.split(",") if name.strip()]
        else:
            base = package[: len(package) - len(dots) + 1] if dots else []
            source = ".".join([*base, *([source] if source else [])])
            imported = [name.split()[0] for name in names.strip("()\\ ").split(",") if name.strip()]
            targets = [source, *(f"{source}.{name}" for name in imported)]
        for target in targets:
            index = modules.get(target)
            if index is not None and module_name(path) != target:
                found[index] = None
    return list(found)[:MAX_IMPORTS]


def order_by_imports(imports: list[list[int]]) -> list[int]:
    """Indices in an order in which the files that a file imports come before it; cycles are cut where they close."""
    order: list[int] = []
    state = [0] * len(imports)  # 0 new, 1 on the stack, 2 placed
    for root in range(len(imports)):
        stack = [(root, 0)]
        while stack:
            node, position = stack.pop()
            if position == 0:
                if state[node]:
                    continue
                state[node] = 1
            if position < len(imports[node]):
                stack.append((node, position + 1))
                child = imports[node][position]
                if state[child] == 0:
                    stack.append((child, 0))
            else:
                state[node] = 2
                order.append(node)
    return order
