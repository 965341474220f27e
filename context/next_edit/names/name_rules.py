"""The nodes that bind names and that make scopes, in the grammars of other languages than Python."""

from collections.abc import Mapping
from dataclasses import dataclass

_Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class NameRules:
    """A grammar's nodes, by what they do with names.

    `scopes`: node -> the fields in it that its names reach, () for all; "" are the parts that are in no field.
    `bindings`: the node and field that bind a name, below any number of `patterns`. `members`: the node and field whose
    name belongs to the class around it. `accesses`: node -> the fields of its owner and of the member. `classes`: node
    -> the field of the class's name.
    """

    scopes: Mapping[str, tuple[str, ...]]
    bindings: _Pairs
    patterns: frozenset[str]
    members: _Pairs
    accesses: Mapping[str, tuple[str, str]]
    classes: Mapping[str, str]
    statements: frozenset[str]  # a name is known behind the end of these, not before
    keys: _Pairs  # of a named argument or field: no name of a scope
    parts: frozenset[str]  # (of the path of an import): no name of a scope
    shadows: bool = False  # each statement that binds a name makes another thing


def _pairs(text: str) -> _Pairs:
    return frozenset((node, field) for node, _, field in (word.partition(".") for word in text.split()))


def _table(text: str) -> dict[str, tuple[str, ...]]:
    return {
        node: tuple(fields.split(",")) if fields else () for node, _, fields in (w.partition(":") for w in text.split())
    }


def _rules(
    scopes: str,
    bindings: str,
    patterns: str,
    members: str,
    accesses: str,
    classes: str,
    statements: str,
    keys: str,
    parts: str,
    shadows: bool = False,
) -> NameRules:
    return NameRules(
        _table(scopes),
        _pairs(bindings),
        frozenset(patterns.split()),
        _pairs(members),
        {node: (fields[0], fields[1]) for node, fields in _table(accesses).items()},
        {node: fields[0] for node, fields in _table(classes).items()},
        frozenset(statements.split()),
        _pairs(keys),
        frozenset(parts.split()),
        shadows,
    )


_INNER = "type_parameters,parameters,parameter,return_type,body"
_SCRIPT = _rules(
    scopes=f"""program statement_block for_statement for_in_statement catch_clause class_static_block switch_body
        function_declaration:{_INNER} generator_function_declaration:{_INNER} function_expression arrow_function
        method_definition:{_INNER} class_declaration:type_parameters,body
        abstract_class_declaration:type_parameters,body interface_declaration:type_parameters,body
        type_alias_declaration:type_parameters,value
        function_signature:{_INNER} method_signature:{_INNER} function_type call_signature""",
    bindings="""variable_declarator.name function_declaration.name generator_function_declaration.name
        function_expression.name class_declaration.name abstract_class_declaration.name interface_declaration.name
        type_alias_declaration.name enum_declaration.name required_parameter.pattern optional_parameter.pattern
        formal_parameters. arrow_function.parameter catch_clause.parameter for_in_statement.left namespace_import.
        import_clause. import_specifier.alias type_parameter.name function_signature.name internal_module.name""",
    patterns="object_pattern array_pattern rest_pattern assignment_pattern object_assignment_pattern pair_pattern",
    members="""method_definition.name public_field_definition.name field_definition.property
        abstract_method_signature.name property_signature.name method_signature.name""",
    accesses="member_expression:object,property",
    classes="""class_declaration:name abstract_class_declaration:name class:name interface_declaration:name
        type_alias_declaration:name""",
    statements="",
    keys="pair.key pair_pattern.key enum_body.name enum_assignment.name",
    parts="statement_identifier",
)
_GO_INNER = "type_parameters,receiver,parameters,result,body"
_GO = _rules(
    scopes=f"""source_file block if_statement for_statement expression_switch_statement type_switch_statement
        select_statement expression_case default_case type_case communication_case func_literal
        function_declaration:{_GO_INNER} method_declaration:{_GO_INNER} method_elem:parameters,result
        function_type type_spec:type_parameters,type""",
    bindings="""short_var_declaration.left var_spec.name const_spec.name parameter_declaration.name
        variadic_parameter_declaration.name function_declaration.name type_spec.name type_alias.name range_clause.left
        type_switch_statement.alias receive_statement.left import_spec.name type_parameter_declaration.name""",
    patterns="expression_list",
    members="field_declaration.name method_declaration.name",
    accesses="selector_expression:operand,field",
    classes="type_spec:name",
    statements="short_var_declaration var_spec const_spec",
    keys="method_elem.name",
    parts="label_name",
)
_RUST = _rules(
    scopes="""source_file block function_item:type_parameters,parameters,return_type,where_clause,body
        closure_expression if_expression:condition,consequence while_expression:condition,body
        for_expression:pattern,body match_arm mod_item:body
        impl_item struct_item:type_parameters,body enum_item:type_parameters,body trait_item:type_parameters,body
        function_signature_item:type_parameters,parameters,return_type""",
    bindings="""let_declaration.pattern parameter.pattern closure_parameters. for_expression.pattern
        let_condition.pattern match_pattern. function_item.name struct_item.name enum_item.name trait_item.name
        type_item.name const_item.name static_item.name mod_item.name use_as_clause.alias type_parameter.name
        const_parameter.name macro_definition.name union_item.name""",
    patterns="""tuple_pattern reference_pattern tuple_struct_pattern struct_pattern field_pattern captured_pattern
        mut_pattern ref_pattern slice_pattern or_pattern""",
    members="field_declaration.name function_signature_item.name enum_variant.name",
    accesses="field_expression:value,field scoped_identifier:path,name",
    classes="struct_item:name impl_item:type",
    statements="let_declaration let_condition",
    keys="",
    parts="label",
    shadows=True,
)
_JAVA = _rules(
    scopes="""program block constructor_body class_body interface_body enum_body enhanced_for_statement for_statement
        try_with_resources_statement catch_clause lambda_expression switch_block_statement_group switch_rule
        method_declaration:type_parameters,type,parameters,body constructor_declaration:parameters,body
        class_declaration:type_parameters,superclass,interfaces,body
        record_declaration:type_parameters,parameters,body""",
    bindings="""variable_declarator.name formal_parameter.name class_declaration.name interface_declaration.name
        enum_declaration.name record_declaration.name method_declaration.name enhanced_for_statement.name
        resource.name catch_formal_parameter.name lambda_expression.parameters inferred_parameters.
        instanceof_expression.name enum_constant.name type_parameter.""",
    patterns="",
    members="",
    accesses="field_access:object,field method_invocation:object,name method_reference:,",
    classes="class_declaration:name",
    statements="",
    keys="element_value_pair.key",
    parts="scoped_identifier package_declaration",
)
_C = _rules(
    scopes="""translation_unit compound_statement for_statement for_range_loop while_statement if_statement
        catch_clause lambda_expression template_declaration namespace_definition:body field_declaration_list
        function_definition:parameters,body, function_declarator:parameters""",
    bindings="""declaration.declarator init_declarator.declarator function_declarator.declarator
        parameter_declaration.declarator optional_parameter_declaration.declarator for_range_loop.declarator
        function_definition.declarator field_declaration.declarator type_definition.declarator struct_specifier.name
        class_specifier.name enum_specifier.name enumerator.name alias_declaration.name preproc_def.name
        preproc_function_def.name preproc_params. type_parameter_declaration. condition_clause.""",
    patterns="""pointer_declarator reference_declarator array_declarator parenthesized_declarator
        structured_binding_declarator init_declarator function_declarator""",
    members="",
    accesses="field_expression:argument,field qualified_identifier:scope,name",
    classes="struct_specifier:name class_specifier:name",
    statements="declaration",
    keys="field_designator.",
    parts="statement_identifier namespace_identifier preproc_arg",
)

NAME_RULES: Mapping[str, NameRules] = {
    "javascript": _SCRIPT,
    "javascriptreact": _SCRIPT,
    "typescript": _SCRIPT,
    "typescriptreact": _SCRIPT,
    "go": _GO,
    "rust": _RUST,
    "java": _JAVA,
    "c": _C,
    "cpp": _C,
    "cuda": _C,
}
