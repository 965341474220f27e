"""The syntax at a place of a text, where there is a grammar for its language."""

from functools import lru_cache

from tree_sitter import Node, Parser, Tree

from context.document import Document
from context.grammars import grammar

# A larger text would take longer to parse than a keystroke may.
_MAX_CHARACTERS = 500_000


def leaf_before(document: Document, offset: int) -> Node | None:
    """The smallest node that holds the character before the offset; None where nothing is known."""
    tree = _tree(document.language, document.text)
    if tree is None or offset == 0:
        return None
    end = len(document.text[:offset].encode("utf-8", "replace"))
    return tree.root_node.descendant_for_byte_range(end - 1, end)


def is_within(node: Node | None, *kinds: str) -> bool:
    """Whether the node or one around it has one of these words in the name of its type."""
    while node is not None:
        if any(kind in node.type for kind in kinds):
            return True
        node = node.parent
    return False


# A keystroke asks more than once.
@lru_cache(maxsize=2)
def _tree(language: str, text: str) -> Tree | None:
    found = grammar(language)
    if found is None or len(text) > _MAX_CHARACTERS:
        return None
    return Parser(found[0]).parse(text.encode("utf-8", "replace"))
