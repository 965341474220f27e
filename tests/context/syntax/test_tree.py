from context.documents.document import Document
from context.syntax.tree import breaks_syntax, tree_of


def document(text: str, language: str = "python") -> Document:
    return Document("a", text, language, 1)


def test_places_are_code_points_in_any_line():
    text = "é = '😀'\r\ndef 𝐟é(): return '😀'\r\n"
    tree = tree_of(document(text))
    assert tree is not None
    names = [node for node in tree.nodes() if node.type == "identifier"]
    assert [text[tree.start(node) : tree.end(node)] for node in names] == ["é", "𝐟é"]
    assert [tree.text(node) for node in names] == ["é", "𝐟é"]
    assert [tree.at(tree.start(node), tree.end(node)) for node in names] == names


def test_the_nodes_around_lines_are_the_largest_of_those_side_by_side():
    tree = tree_of(document("const g = (a) => {\n  b();\n};\n", "javascript"))
    assert tree is not None
    assert [node.type for node in tree.around(0, 0)][:2] == ["{", "statement_block"]
    assert "arrow_function" in [node.type for node in tree.around(1, 1)]


def test_data_and_languages_without_a_grammar_are_not_parsed():
    assert tree_of(document("x = 1\n" * 100_000)) is None
    assert tree_of(document("x = [" + "1, " * 5000 + "]\n")) is None
    assert tree_of(document("x = 1\ry = 2\n")) is None
    assert tree_of(document("x = 1\n", "plaintext")) is None


def test_what_breaks_syntax_has_more_errors_than_before():
    assert breaks_syntax(document("f()\n"), document("f(\n"))
    assert not breaks_syntax(document("f(\n"), document("f(\ng()\n"))
    assert not breaks_syntax(document("f()\n", "plaintext"), document("f(\n", "plaintext"))
