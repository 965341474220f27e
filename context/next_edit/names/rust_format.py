"""The names that a format string of Rust takes from the code around it: `println!("{count:?}")`."""

import re

from tree_sitter import Node

from context.syntax.tree import Tree

# The macros whose strings are format strings, of the standard library and of the crates for logs and errors.
_MACROS = re.compile(
    r"format(?:_args)?|e?print(?:ln)?|write(?:ln)?|panic|(?:debug_)?assert(?:_eq|_ne)?|todo|unimplemented|unreachable"
    r"|trace|debug|info|warn|error|anyhow|bail|ensure"
)


def is_format_argument(tree: Tree, start: int, path: list[tuple[Node, str]]) -> bool:
    """Return whether the word at the path's end is in braces, in a string that a macro formats."""
    content = path[-1][0]
    if content.type != "string_content":
        return False
    macro = next((node for node, _ in reversed(path) if node.type == "macro_invocation"), None)
    named = macro.child_by_field_name("macro") if macro is not None else None
    if named is None or _MACROS.fullmatch(tree.text(named).rpartition("::")[2]) is None:
        return False
    before = tree.text(content)[: start - tree.start(content)]
    return (len(before) - len(before.rstrip("{"))) % 2 == 1  # two braces write one
