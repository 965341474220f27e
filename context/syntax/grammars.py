"""The grammar of each language, and the tree-sitter query that finds its definitions.

A capture is the definition, named for its kind; `@name` is the definition's name.
"""

import importlib
from functools import cache

from tree_sitter import Language, Query

_PYTHON = """
(function_definition name: (identifier) @name) @function
(class_definition name: (identifier) @name) @class
(module (expression_statement (assignment left: (identifier) @name)) @variable)
(module (_ (block (expression_statement (assignment left: (identifier) @name)) @variable)))
(class_definition body: (block (expression_statement (assignment left: (identifier) @name)) @field))
"""
_JAVASCRIPT = """
(function_declaration name: (identifier) @name) @function
(generator_function_declaration name: (identifier) @name) @function
(class_declaration name: (_) @name) @class
(method_definition name: (_) @name) @method
(program (lexical_declaration (variable_declarator name: (identifier) @name)) @variable)
(program (variable_declaration (variable_declarator name: (identifier) @name)) @variable)
(program (export_statement
  (lexical_declaration (variable_declarator name: (identifier) @name)) @variable))
"""
_TYPESCRIPT = (
    _JAVASCRIPT
    + """
(abstract_class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @enum
(internal_module name: (_) @name) @module
(function_signature name: (_) @name) @function
(method_signature name: (_) @name) @method
(abstract_method_signature name: (_) @name) @method
(interface_body (property_signature name: (_) @name) @field)
(public_field_definition name: (_) @name) @field
"""
)
_GO = """
(function_declaration name: (_) @name) @function
(method_declaration name: (_) @name) @method
(type_declaration (type_spec name: (_) @name) @type)
(type_declaration (type_alias name: (_) @name) @type)
(source_file (const_declaration (const_spec name: (_) @name) @constant))
(source_file (var_declaration (var_spec name: (_) @name) @variable))
(interface_type (method_elem name: (_) @name) @method)
"""
_RUST = """
(function_item name: (_) @name) @function
(function_signature_item name: (_) @name) @function
(struct_item name: (_) @name) @struct
(union_item name: (_) @name) @struct
(enum_item name: (_) @name) @enum
(trait_item name: (_) @name) @interface
(type_item name: (_) @name) @type
(const_item name: (_) @name) @constant
(static_item name: (_) @name) @variable
(macro_definition name: (_) @name) @macro
(mod_item name: (_) @name body: (_)) @module
(impl_item type: (_) @name) @implementation
"""
_JAVA = """
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(enum_declaration name: (_) @name) @enum
(record_declaration name: (_) @name) @class
(annotation_type_declaration name: (_) @name) @interface
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @method
(field_declaration declarator: (variable_declarator name: (_) @name)) @field
(enum_constant name: (_) @name) @constant
"""
_C = """
(function_definition declarator: (function_declarator declarator: (_) @name)) @function
(function_definition declarator: (pointer_declarator
  declarator: (function_declarator declarator: (_) @name))) @function
(declaration declarator: (function_declarator declarator: (identifier) @name)) @function
(declaration declarator: (pointer_declarator
  declarator: (function_declarator declarator: (identifier) @name))) @function
(struct_specifier name: (_) @name body: (_)) @struct (union_specifier name: (_) @name body: (_))
@struct (enum_specifier name: (_) @name body: (_)) @enum (type_definition declarator:
(type_identifier) @name) @type (preproc_def name: (_) @name) @macro (preproc_function_def name: (_)
@name) @macro (translation_unit (declaration declarator: (init_declarator declarator: (identifier)
@name)) @variable)
"""
_CPP = (
    _C
    + """
(function_definition declarator: (reference_declarator
  (function_declarator declarator: (_) @name))) @function
(field_declaration declarator: (function_declarator declarator: (field_identifier) @name)) @method
(class_specifier name: (_) @name body: (_)) @class
(namespace_definition name: (_) @name) @module
(alias_declaration name: (_) @name) @type
(concept_definition name: (_) @name) @type
"""
)

# The language -> the module of its grammar, the function in it, the query.
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


@cache
def grammar(language: str) -> tuple[Language, Query] | None:
    """Return the parser's tables and the definitions' query; None for a language without a grammar."""
    if language not in _GRAMMARS:
        return None
    module, function, query = _GRAMMARS[language]
    tables = Language(getattr(importlib.import_module(module), function)())
    return tables, Query(tables, query)
