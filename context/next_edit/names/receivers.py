"""The classes that the objects before the dots of a file are declared to have, by their words."""

import re
from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from context.documents.document import Document
from context.next_edit.names.language_names import C_LANGUAGES
from context.next_edit.names.occurrences import Occurrence
from context.next_edit.names.resolve_names import Names, find_names
from context.next_edit.names.type_words import NO_WORDS, TypeWords, type_words
from context.syntax.tree import Tree, tree_of

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_MAX_DEPTH = 3  # from a variable to the one that gave it its value
_OBJECTS = ("object", "operand", "argument")
_WRAPPERS = frozenset(
    {"await", "await_expression", "parenthesized_expression", "unary_expression", "non_null_expression"}
    | {"expression_list", "subscript", "index_expression", "subscript_expression", "slice_expression"}
)
_TAKES_OUT = frozenset({"subscript", "index_expression", "subscript_expression"})
_LOOPS = frozenset({"for_statement", "for_in_clause", "for_in_statement", "range_clause"})
_CALLED = {"call": "function", "call_expression": "function", "new_expression": "constructor"}
_RETURN_TYPES = ("return_type", "result")
_KEYS = frozenset({"literal_element", "pair", "field_designator"})
# What may stand between a literal and the type that is written for it.
_AROUND_LITERALS = frozenset(
    {"literal_element", "keyed_element", "literal_value", "pair", "object", "array"}
    | {"return_statement", "parenthesized_expression", "statement_block"}
    | {"variable_declarator", "as_expression", "satisfies_expression", "public_field_definition", "type_annotation"}
    | {"field_designator", "initializer_pair", "initializer_list", "init_declarator"}
)
_FUNCTIONS = re.compile("function|method")


class Receivers:
    """Reads the declarations of one document; what was found out about a name is kept."""

    def __init__(self, document: Document, tree: Tree) -> None:
        self._document = document
        self._tree = tree
        self._names: dict[str, Names | None] = {}

    def node_before(self, one: Occurrence) -> Node | None:
        """Return the object of whose attribute this is the name."""
        path = self._tree.path(one.start, one.end)
        parent = path[-2][0]
        return next((found for field in _OBJECTS if (found := parent.child_by_field_name(field)) is not None), None)

    def is_key(self, one: Occurrence) -> bool:
        """Return whether the name is a key of a literal."""
        return self._tree.path(one.start, one.end)[-2][0].type in _KEYS

    def words_of_literal(self, one: Occurrence) -> frozenset[str]:
        """Return the words of the type of the literal in which the name is a key; none where the file does not say."""
        is_held = False
        around = [node for node, _ in reversed(self._tree.path(one.start, one.end)[:-1])]
        for node, outer in pairwise(around):
            if node.type == "initializer_list" and outer.type in ("initializer_pair", "initializer_list"):
                break  # of a member of another type, or of an array
            if node.type == "array":
                is_held = True
                continue
            field = "return_type" if _FUNCTIONS.search(node.type) else "type"
            written = node.child_by_field_name(field)
            if node.type in ("as_expression", "satisfies_expression"):
                written = node.named_children[-1]
            if written is not None:
                words = self._words(written)
                is_held = is_held or bool(node.type == "composite_literal" and not words.own)
                return words.held if is_held else words.own
            if node.type not in _AROUND_LITERALS:
                break
        return frozenset()

    def text(self, node: Node) -> str:
        return self._tree.text(node)

    def words_of(self, node: Node, depth: int = 0) -> TypeWords:
        """Return the words of the type that a value is declared to have; none where the file does not say."""
        is_held = False
        while node.type in _WRAPPERS and node.named_children:
            is_held = is_held or node.type in _TAKES_OUT
            node = node.named_children[0]
        words = self._words_of_inner(node, depth) if depth <= _MAX_DEPTH else NO_WORDS
        if is_held and not words.held and self._document.language in C_LANGUAGES:
            return words  # an array or a pointer, of which only the type of an element is written
        return TypeWords(words.held) if is_held else words

    def _words_of_inner(self, node: Node, depth: int) -> TypeWords:
        if (field := _CALLED.get(node.type)) is not None:
            called = node.child_by_field_name(field) or node.child_by_field_name("type")  # `new Box()` of C++
            return self._returned(called) if called is not None else NO_WORDS
        if node.type == "composite_literal":
            return self._words(node.child_by_field_name("type"))
        if node.type == "as_expression":
            return self._words(node.named_children[-1])
        name = node
        for field in ("attribute", "property", "field"):
            name = node.child_by_field_name(field) or name
        if "identifier" not in name.type or name.named_child_count:
            return NO_WORDS
        found = NO_WORDS
        for one in self._group(self._tree.text(name), self._tree.start(name)):
            if one.is_target:
                found |= self._given(one, depth)
        return found

    def _returned(self, called: Node) -> TypeWords:
        """Return the called name, which may be that of a class, and the words of what a function here gives back."""
        if called.type.startswith("template_"):  # Box<int> of C++
            called = called.child_by_field_name("name") or called
        words = _WORD.findall(self._tree.text(called))
        found = TypeWords(frozenset(words[-1:]))
        start = self._tree.end(called) - len(words[-1]) if words else 0
        for one in self._group(words[-1], start) if words else ():
            node = self._tree.path(one.start, one.end)[-2][0]
            for field in _RETURN_TYPES if one.is_target else ():
                found |= self._words(node.child_by_field_name(field))
        return found

    def _given(self, one: Occurrence, depth: int) -> TypeWords:
        """Return the words of the type that one binding gives a name: the written one, else that of the value."""
        path = self._tree.path(one.start, one.end)
        first = None
        for index in range(len(path) - 2, max(0, len(path) - 6), -1):
            node, field = path[index][0], path[index + 1][1]
            if node.type == "init_declarator":  # of C, whose type stands before all that it declares
                first = node.child_by_field_name("value")
                continue
            if node.type == "as_pattern":
                return self.words_of(node.named_children[0], depth + 1)
            if field == "body":
                break
            if (written := node.child_by_field_name("type")) is not None:
                if first is not None and written.type == "placeholder_type_specifier":  # auto
                    return self.words_of(first, depth + 1)
                return self._words(written)
            value = node.child_by_field_name("right") or node.child_by_field_name("value")
            if value is not None:
                words = self.words_of(value, depth + 1)
                return TypeWords(words.held) if node.type in _LOOPS else words
        return NO_WORDS

    def _group(self, name: str, start: int) -> Iterator[Occurrence]:
        """Yield the places of the thing that has the name at this place."""
        if name not in self._names:
            self._names[name] = find_names(self._document, (name,))
        names = self._names[name]
        place = names.at(start) if names is not None else None
        home = names.homes[place] if names is not None and place is not None else None
        if names is not None and home is not None:
            yield from names.group(home)

    def _words(self, written: Node | None) -> TypeWords:
        return type_words(self._tree.text(written)) if written is not None else NO_WORDS


def receivers_of(document: Document) -> Receivers | None:
    """Return a reader of the document's declarations; None without a tree."""
    tree = tree_of(document)
    return Receivers(document, tree) if tree is not None else None
