"""Lines of the repository are found by their beginnings."""

from pathlib import Path

import pytest

from context.index.database import index_path
from context.index.index import Index
from context.index.line_beginnings import find_lines
from context.rules.rules import Rules
from tests.context.tree import bytes_on_disk, write_tree

FILES = {
    "shop/cart.py": "def total(cart):\n    prices = [line.price for line in cart]\n    return sum(prices)\n",
    "shop/stock.py": "def total(stock):\n    prices = [line.price for line in stock]\n    return max(prices)\n",
    "shop/more.py": "def more(cart):\n\tprices = [line.price for line in cart]\n\treturn sum(prices)\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", FILES)


@pytest.fixture
def index(root: Path, tmp_path: Path) -> Index:
    index = Index(index_path(root, tmp_path / "cache"))
    index.update(Rules(root))
    return index


def first_lines(index: Index, beginning: str, near: str = "") -> list[str]:
    return [line.text.split("\n")[0] for line in find_lines(index.read, beginning, near)]


def test_lines_are_found_without_their_indentation_the_most_frequent_first(index: Index) -> None:
    assert first_lines(index, "prices = [line.price for") == [
        "prices = [line.price for line in cart]",
        "prices = [line.price for line in cart]",
        "prices = [line.price for line in stock]",
    ]
    assert first_lines(index, "prices") == first_lines(index, "prices = [line.price for")
    assert first_lines(index, "line.price") == []
    assert first_lines(index, "prices = [lane") == []


def test_of_many_lines_those_of_the_files_around_are_read(index: Index, root: Path) -> None:
    write_tree(root, {f"shop/n{n:02}.py": f"number = number_{n}\n" for n in range(60)})
    index.refresh(Rules(root), [f"shop/n{n:02}.py" for n in range(60)])
    found = first_lines(index, "number =", "shop/n40.py")
    assert "number = number_40" in found
    assert "number = number_41" in found
    assert "number = number_5" not in found


def test_a_found_line_has_what_stands_before_and_behind_it(index: Index) -> None:
    (found,) = find_lines(index.read, "prices = [line.price for line in stock", "")
    assert found.path == "shop/stock.py"
    assert found.before == "def total(stock):\n    "
    assert found.text == "prices = [line.price for line in stock]\n    return max(prices)\n"


def test_a_beginning_that_is_longer_than_the_key_and_one_that_tells_nothing(index: Index, root: Path) -> None:
    long = "value = " + "a_long_name + " * 9
    write_tree(root, {"shop/long.py": f"{long}1\n{long}2\n"})
    index.refresh(Rules(root), ["shop/long.py"])
    assert set(first_lines(index, long)) == {f"{long}1", f"{long}2"}
    assert first_lines(index, "ret") == []
    assert first_lines(index, "") == []


def test_a_beginning_that_stands_everywhere_tells_nothing(index: Index, root: Path) -> None:
    write_tree(root, {"shop/many.py": "".join(f"self.n_{n} = {n}\n\n\n" for n in range(12 * 501))})
    index.refresh(Rules(root), ["shop/many.py"])
    assert first_lines(index, "self.n") == []
    assert first_lines(index, "self.n_77 ") == ["self.n_77 = 77"]


def test_a_line_goes_with_its_text(index: Index, root: Path) -> None:
    """A changed line, a removed file, and a file that a rule begins to exclude."""
    write_tree(root, {"shop/cart.py": FILES["shop/cart.py"].replace("sum(prices)", "min(prices)")})
    index.refresh(Rules(root), ["shop/cart.py"])
    assert sorted(first_lines(index, "return")) == ["return max(prices)", "return min(prices)", "return sum(prices)"]
    (root / "shop/stock.py").unlink()
    index.refresh(Rules(root), ["shop/stock.py"])
    assert sorted(first_lines(index, "return")) == ["return min(prices)", "return sum(prices)"]
    write_tree(root, {".midspanignore": "more.py\n"})
    index.update(Rules(root))
    assert first_lines(index, "return") == ["return min(prices)"]
    write_tree(root, {".midspanignore": "*.py\n"})
    index.update(Rules(root))
    assert first_lines(index, "return") == []


def test_nothing_is_left_of_a_removed_line_on_the_disk(index: Index, root: Path, tmp_path: Path) -> None:
    written = b"prices = [line.price for"
    assert written.hex().encode() in bytes_on_disk(tmp_path / "cache")
    write_tree(root, {".midspanignore": "*.py\n"})
    index.update(Rules(root))
    for text in (written, written.hex().encode()[:20]):
        assert text not in bytes_on_disk(tmp_path / "cache")


def test_lines_of_data_are_not_found(index: Index, root: Path) -> None:
    write_tree(root, {"shop/data.txt": "unusual data\n" + "x" * 60_000 + "\n"})
    index.refresh(Rules(root), ["shop/data.txt"])
    assert first_lines(index, "unusual") == []
