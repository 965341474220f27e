"""Lines that are like the cursor's but for their names end as they do, with the names of the cursor's place."""

import time

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.related.renamed_lines import renamed_lines


def at(marked: str) -> tuple[str, ...]:
    before, after = marked.split("|")
    return renamed_lines(Snapshot(Document("a.py", before + after, "python", 1), len(before)))


@pytest.mark.parametrize(
    ("marked", "wanted"),
    [
        ("self.width = width\nself.height = |\n", ("height",)),
        ("self.width = width\r\nself.height =|\r\n", (" height",)),
        # The name that is begun may be one that stands above, or be whole.
        ("def f(width, colour):\n    self.width = width\n    self.col|\n", (" = col", "our = colour")),
        # The line above is alike, and the next line is not begun.
        ("first = read(one)\nshow(first, one)\nsecond = read(two)\n|", ("show(second, two)",)),
        ("first = read(one)\nshow(first, one)\nsecond = read(two)\nsho|", ("w(second, two)",)),
        # Below the cursor too; the one that more lines say comes first.
        ("total += count(|\na += count(a, 1)\nb += count(b, 2)\nc += count(c, 2)\n", ("total, 2)", "total, 1)")),
        ("self.width = width\nself.width = |\n", ()),  # no name is another: the copied text has it
        ("x = one\ny = |\n", ()),  # too short a beginning
        ("return height\nimport |\n", ()),  # words of the language are no names
        ("swap(first, first)\nsame = 1\nswap(one, two|\n", ()),  # one name would become two
    ],
)
def test_the_rest_of_a_line_has_the_names_of_this_place(marked: str, wanted: tuple[str, ...]) -> None:
    assert set(at(marked)) == set(wanted)
    assert not wanted or at(marked)[0] in wanted


def test_the_likeliest_come_first_and_they_are_few() -> None:
    lines = [f"self.size_{n} = parse(size_{n}, {n})\n" for n in range(9)]
    found = at("".join(lines) + "self.weight = |\n" + "self.last = parse(last, 8)\n")
    assert found[0] == "parse(weight, 8)"
    assert len(found) == 3


def test_a_hostile_text_takes_no_time() -> None:
    """Lines of a megabyte, and forty thousand lines."""
    long = "a = b; " * 150_000
    began = time.process_time()
    assert at(f"{long}\nname = {long}|\n{long}") == ()
    at(f"{'value = other' * 20}\n" * 40_000 + "name = |\n")
    assert time.process_time() - began < 5
