"""A small workspace about which questions are asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from context.documents.document import Document, language_of
from context.index.workspace import Workspace
from context.question.answer_context import AnswerContext, Place, find_context
from tests.context.tree import GENERATED, KEY, SECONDS, write_tree

TREE: Mapping[str, str] = {
    "shop/price.py": (
        "from shop.tax import add_tax\n\n\n"
        "class PriceList:\n"
        '    """All prices of a shop."""\n\n'
        "    def find_price(self, name):\n"
        "        return self.prices[name]\n\n"
        "    def round_price(self, cents):\n"
        '        """Round to whole coins."""\n'
        "        return add_tax(cents) // 5 * 5\n\n\n"
        "# Makes the list that a customer sees.\n"
        "def make_list(shop):\n"
        "    return PriceList()\n"
    ),
    "shop/tax.py": "def add_tax(cents):\n    return cents * 119 // 100\n",
    "shop/cart.py": (
        "from shop.price import PriceList\n\n\n"
        "def total(cart, prices):\n"
        "    return sum(prices.round_price(item.cents) for item in cart)\n"
    ),
    "shop/stock.py": (
        'def refill_shelf(shelf):\n    """Order goods from the wholesaler when a shelf is empty."""\n    return shelf\n'
    ),
    "tests/test_price.py": "def test_prices_are_whole_coins():\n    assert PriceList().round_price(7) == 5\n",
    "README.md": "# Shop\n\nThis sells things.\n",
    "private/.gitignore": "*\n",
    "private/plan.py": "def round_price_secretly(): ...\n",
    "generated.py": f"{GENERATED}def round_price(): ...\n",
    "keys.py": f"def connect_wholesaler():\n    return '{KEY}'\n",
}


@contextmanager
def opened(folder: Path, tree: Mapping[str, str] = TREE) -> Iterator[Workspace]:
    """Open a workspace with these files, all indexed."""
    workspace = Workspace(write_tree(folder / "root", tree), folder / "cache")
    workspace.start()
    try:
        assert workspace.wait_until_settled(SECONDS)
        yield workspace
    finally:
        workspace.close()


def document(path: str, text: str | None = None) -> Document:
    return Document(path, TREE[path] if text is None else text, language_of(path), 1)


def ask(question: str, place: Place, room: int = 4000, shown: Mapping[str, str] | None = None) -> AnswerContext:
    """Return the context of a question, a token being a character."""
    return find_context(question, place, room, len, shown or {})


def kinds(context: AnswerContext) -> set[tuple[str, str]]:
    """Return the parts by their kinds and paths."""
    return {(part.kind, part.path) for part in context.parts}
