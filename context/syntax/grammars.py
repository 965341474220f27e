"""The grammar of each language, and the rules that find its definitions.

A rule is a line: the type of the definition's node behind the types of the nodes around it, its kind, and the way to
the node of its name. `_` is any type. A step of the way is `field:type`, or `:type` for a child in no field; `body!`
asks for a body. The rules are ours and no queries of tree-sitter: a query looks at all later siblings of each node, so
that a file of 400,000 brackets takes hours, and nothing ends it.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from tree_sitter import Language

_PYTHON = """
function_definition function name:identifier
class_definition class name:identifier
module/expression_statement variable :assignment left:identifier
module/_/block/expression_statement variable :assignment left:identifier
class_definition/block/expression_statement field :assignment left:identifier
"""
_JAVASCRIPT = """
function_declaration function name:identifier
generator_function_declaration function name:identifier
class_declaration class name:_
method_definition method name:_
program/lexical_declaration variable :variable_declarator name:identifier
program/variable_declaration variable :variable_declarator name:identifier
program/export_statement/lexical_declaration variable :variable_declarator name:identifier
"""
_TYPESCRIPT = (
    _JAVASCRIPT
    + """
abstract_class_declaration class name:_
interface_declaration interface name:_
type_alias_declaration type name:_
enum_declaration enum name:_
internal_module module name:_
function_signature function name:_
method_signature method name:_
abstract_method_signature method name:_
interface_body/property_signature field name:_
public_field_definition field name:_
"""
)
_GO = """
function_declaration function name:_
method_declaration method name:_
type_declaration/type_spec type name:_
type_declaration/type_alias type name:_
source_file/const_declaration/const_spec constant name:_
source_file/var_declaration/var_spec variable name:_
interface_type/method_elem method name:_
"""
_RUST = """
function_item function name:_
function_signature_item function name:_
struct_item struct name:_
union_item struct name:_
enum_item enum name:_
trait_item interface name:_
type_item type name:_
const_item constant name:_
static_item variable name:_
macro_definition macro name:_
mod_item module name:_ body!
impl_item implementation type:_
"""
_JAVA = """
class_declaration class name:_
interface_declaration interface name:_
enum_declaration enum name:_
record_declaration class name:_
annotation_type_declaration interface name:_
method_declaration method name:_
constructor_declaration method name:_
field_declaration field declarator:variable_declarator name:_
enum_constant constant name:_
"""
_C = """
function_definition function declarator:function_declarator declarator:_
function_definition function declarator:pointer_declarator declarator:function_declarator declarator:_
declaration function declarator:function_declarator declarator:identifier
declaration function declarator:pointer_declarator declarator:function_declarator declarator:identifier
struct_specifier struct name:_ body!
union_specifier struct name:_ body!
enum_specifier enum name:_ body!
type_definition type declarator:type_identifier
preproc_def macro name:_
preproc_function_def macro name:_
translation_unit/declaration variable declarator:init_declarator declarator:identifier
"""
_CPP = (
    _C
    + """
function_definition function declarator:reference_declarator :function_declarator declarator:_
field_declaration method declarator:function_declarator declarator:field_identifier
class_specifier class name:_ body!
namespace_definition module name:_
alias_declaration type name:_
concept_definition type name:_
"""
)

# The language -> the module of its grammar, the function in it, the rules.
_GRAMMARS = {
    "python": ("tree_sitter_python", "language", _PYTHON),
    "javascript": ("tree_sitter_javascript", "language", _JAVASCRIPT),
    "javascriptreact": ("tree_sitter_javascript", "language", _JAVASCRIPT),
    "typescript": ("tree_sitter_typescript", "language_typescript", _TYPESCRIPT),
    "typescriptreact": ("tree_sitter_typescript", "language_tsx", _TYPESCRIPT),
    "go": ("tree_sitter_go", "language", _GO),
    "rust": ("tree_sitter_rust", "language", _RUST),
    "java": ("tree_sitter_java", "language", _JAVA),
    "c": ("tree_sitter_c", "language", _C),
    "cpp": ("tree_sitter_cpp", "language", _CPP),
    "cuda": ("tree_sitter_cpp", "language", _CPP),
}


@dataclass(frozen=True)
class DefinitionRule:
    """`around` are the types of the nodes around the definition's node, the nearest first; `steps` lead to the name."""

    around: tuple[str, ...]
    kind: str
    steps: tuple[tuple[str, str], ...]  # the field and the type of a child, each "" or "_" where any will do
    has_body: bool


@dataclass(frozen=True)
class Grammar:
    """The parser's tables of a language, and the rules of its definitions by the type of the definition's node."""

    tables: Language
    rules: Mapping[str, tuple[DefinitionRule, ...]]


@cache
def grammar(language: str) -> Grammar | None:
    """Return the grammar of a language; None for a language without one."""
    if language not in _GRAMMARS:
        return None
    module, function, rules = _GRAMMARS[language]
    return Grammar(Language(getattr(importlib.import_module(module), function)()), _read_rules(rules))


def _read_rules(lines: str) -> dict[str, tuple[DefinitionRule, ...]]:
    rules: dict[str, tuple[DefinitionRule, ...]] = {}
    for line in lines.split("\n"):
        if not line:
            continue
        place, kind, *words = line.split()
        *around, node_type = place.split("/")
        steps = tuple((field, node) for field, colon, node in (word.partition(":") for word in words) if colon)
        rule = DefinitionRule(tuple(reversed(around)), kind, steps, "body!" in words)
        rules[node_type] = (*rules.get(node_type, ()), rule)
    return rules
