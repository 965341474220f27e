"""The files, symbols and folders that "@" and some letters may mean in a workspace."""

from collections.abc import Iterator

import pytest

from context.documents.document import Document
from context.index.workspace import Workspace
from context.question.match import likeness
from context.question.references import find_references
from tests.context.tree import SECONDS, write_tree

TREE = {
    "src/shop/price.py": "class Price:\n    def round(self): ...\n\n\ndef copy_current_price(cents): ...\n",
    "src/shop/stock.py": "class Stock:\n    def round(self): ...\n    def count(self): ...\n\n\ndef count(): ...\n",
    "src/shop/my notes.md": "# Prices\n",
    "tests/test_price.py": "def test_copy_current_price(): ...\n",
    "private/.gitignore": "*\n",
    "private/price_plan.py": "def copy_secretly(): ...\n",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("references")
    workspace = Workspace(write_tree(folder / "root", TREE), folder / "cache")
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    yield workspace
    workspace.close()


def inserted(workspace: Workspace, query: str) -> list[str]:
    return [found.insert for found in find_references(query, workspace, ())]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("copy_cur", "@copy_current_price"),
        ("COPY", "@copy_current_price"),
        ("ccp", "@copy_current_price"),
        ("current", "@copy_current_price"),
        ("cpycurprice", "@copy_current_price"),
        ("Pri", "@Price"),
        ("price.py", "@src/shop/price.py"),
        ("src/shop/st", "@src/shop/stock.py"),
        ("src/sh", "@src/shop/"),
        ("folder:sh", "@src/shop/"),
        ("file:test", "@tests/test_price.py"),
        ("symbol:price", "@Price"),
        ("Stock.rou", "@Stock.round"),
        ("stock.count", "@Stock.count"),
        ("my no", '@"src/shop/my notes.md"'),
    ],
)
def test_the_likeliest_is_first(workspace, query, first):
    assert inserted(workspace, query)[0] == first


def test_a_mention_names_one_definition_only(workspace):
    assert set(inserted(workspace, "symbol:round")) == {"@Price.round", "@Stock.round"}
    assert set(inserted(workspace, "symbol:count")[:2]) == {"@Stock.count", "@src/shop/stock.py#count"}


def test_a_definition_has_its_line_and_a_file_has_none(workspace):
    found = find_references("copy_current_price", workspace, ())[0]
    assert (found.kind, found.name, found.path, found.line) == ("symbol", found.name, "src/shop/price.py", 4)
    assert find_references("price.py", workspace, ())[0].line is None


def test_the_code_comes_before_its_tests(workspace):
    texts = inserted(workspace, "price")
    assert texts.index("@src/shop/price.py") < texts.index("@tests/test_price.py")


def test_what_a_rule_excludes_is_not_offered(workspace):
    everything = [found for query in ("", "plan", "secretly", "private") for found in inserted(workspace, query)]
    assert everything
    assert not [text for text in everything if "private" in text or "secretly" in text]


def test_letters_that_are_not_there_find_nothing(workspace):
    assert inserted(workspace, "zzz") == []
    assert inserted(workspace, "%") == inserted(workspace, "_\\") == []


def test_without_letters_the_open_documents_come_first_in_the_order_of_their_use(workspace):
    documents = [Document(path, TREE[path], "python", 1) for path in ("src/shop/stock.py", "src/shop/price.py")]
    assert [found.path for found in find_references("", workspace, documents)][:2] == [
        "src/shop/stock.py",
        "src/shop/price.py",
    ]


def test_an_open_document_that_is_on_no_disk_is_found(workspace):
    found = find_references("unsaved", workspace, [Document("src/unsaved.py", "", "python", 1)])
    assert [one.path for one in found] == ["src/unsaved.py"]


def test_letters_far_apart_in_a_long_name_do_not_mean_it():
    assert likeness("find", "test_a_file_with_a_foreign_header_is_refused_and_the_reader_told") == 0
    assert likeness("find", "f_i_n_d") > 0
