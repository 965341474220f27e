from collections.abc import Iterator
from pathlib import Path

import pytest

from context.documents.document import Document
from context.documents.edits import EditRing
from context.documents.languages import language_of
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.prompt.snippet import Snippet
from context.related.collect import collect
from tests.context.tree import GENERATED, SECONDS, write_tree

LONG_BODY = "".join(f"        step_{n} = {n}\n" for n in range(30))
TREE = {
    "shop/__init__.py": "from .price import Price\n",
    "shop/price.py": f"class Price:\n    def rounded(self, places):\n{LONG_BODY}        return places\n",
    "shop/stock.py": "def reserve(item, amount):\n    return item.take(amount)\n",
    "shop/base.py": "class Shelf:\n    def refill(self): ...\n",
    "shop/racks.py": "from .base import Shelf\n\n\nclass Rack(Shelf):\n    def tilt(self): ...\n",
    "shop/cart.py": "",
    "tests/test_cart.py": "def test_total_of_an_empty_cart():\n    assert Cart().total() == 0\n",
    "legacy/basket.py": "def sum_up(lines, discount):\n    for line in lines:\n        yield line.amount * discount\n",
    "private/.gitignore": "*\n",
    "private/plan.py": "def reserve(secret): ...\n",
    "config.py": f"{GENERATED}def reserve_key(): ...\n",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("collect")
    workspace = Workspace(write_tree(folder / "root", TREE), folder / "cache")
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    yield workspace
    workspace.close()


def at(marked: str, *others: Document, path: str = "shop/cart.py") -> Snapshot:
    """Return a snapshot with the cursor at the bar."""
    text = marked.replace("|", "")
    return Snapshot(Document(path, text, language_of(path), 1), marked.index("|"), others)


def by_path(snippets: tuple[Snippet, ...]) -> dict[str, Snippet]:
    """Return the best snippet of each file."""
    return {snippet.path: snippet for snippet in reversed(snippets)}


def test_an_imported_name_brings_its_definition_first_and_of_a_long_one_the_signatures(workspace: Workspace) -> None:
    best = collect(at("from shop.price import Price\n\nprice = |\n"), workspace)[0]
    assert best.path == "shop/price.py"
    assert best.source == "imported from shop.price"
    assert best.text == "class Price:\n    def rounded(self, places):\n"


def test_a_name_that_a_package_hands_on_is_found_where_it_is_defined(workspace: Workspace) -> None:
    found = by_path(collect(at("from shop import Price\n|"), workspace))
    assert "class Price:" in found["shop/price.py"].text
    found = by_path(collect(at("import shop\n\nshop.Price(|)"), workspace))
    assert "class Price:" in found["shop/price.py"].text


def test_what_the_class_at_the_cursor_derives_from_is_there_to_the_second_step(workspace: Workspace) -> None:
    found = by_path(collect(at("from shop.racks import Rack\n\n\nclass Mine(Rack):\n    |\n"), workspace))
    assert "def tilt" in found["shop/racks.py"].text
    assert "def refill" in found["shop/base.py"].text
    assert found["shop/base.py"].source == "base of Rack"


def test_the_name_at_the_cursor_is_found_without_an_import(workspace: Workspace) -> None:
    found = by_path(collect(at("reserve(|"), workspace))
    assert found["shop/stock.py"].source == "defines reserve"


def test_the_test_and_similar_code_are_found(workspace: Workspace) -> None:
    found = by_path(collect(at("|"), workspace))
    assert found["tests/test_cart.py"].source == "test of this file"
    text = "def bill(lines, discount):\n    for line in lines:\n        |\n"
    assert by_path(collect(at(text), workspace))["legacy/basket.py"].source == "similar code"
    assert "shop/cart.py" not in by_path(collect(at("|", path="tests/test_cart.py"), workspace))  # the file is empty


def test_an_edit_elsewhere_is_shown_as_it_is_now_unless_the_text_is_another(workspace: Workspace) -> None:
    before = Document("shop/stock.py", TREE["shop/stock.py"], "python", 1)
    after = Document("shop/stock.py", TREE["shop/stock.py"] + "\n\ndef release(item): ...\n", "python", 2)
    ring = EditRing()
    ring.note(before, after, 1.0)
    edits = [s for s in collect(at("|", after), workspace, ring.recent()) if s.source == "recent edit"]
    assert ["def release(item): ..." in edit.text for edit in edits] == [True]
    # The buffer was closed without saving: the disk never had those lines.
    assert not [s for s in collect(at("|"), workspace, ring.recent()) if s.source == "recent edit"]


def test_nothing_that_a_rule_excludes_is_collected(workspace: Workspace) -> None:
    others = (
        Document("private/plan.py", TREE["private/plan.py"], "python", 1),
        Document(".env", "reserve=1\n", "plaintext", 1),
        Document("open.py", f"{GENERATED}reserve = 1\n", "python", 1),
        Document("/elsewhere/id_rsa", "reserve\n", "plaintext", 1),
    )
    paths = {snippet.path for snippet in collect(at("reserve(reserve_key|", *others), workspace)}
    assert paths
    assert not paths & {"private/plan.py", "config.py", "shop/cart.py", *(other.path for other in others)}
    assert {s.path for s in collect(at("reserve(|", *others))} == {"private/plan.py"}  # no root, no ignore files


def test_the_same_question_has_the_same_answer_whatever_was_asked_before(workspace: Workspace, tmp_path: Path) -> None:
    snapshot = at("from shop import Price\nfrom shop.racks import Rack\n\nreserve(Price, Rack, total, discount|)")
    first = collect(snapshot, workspace)
    again = Workspace(workspace.root, tmp_path / "cache")
    again.start()
    assert again.wait_until_settled(SECONDS)
    collect(at("Shelf().refill(|)"), again)
    assert collect(snapshot, again) == first
    again.close()
