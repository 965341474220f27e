import random

from context.documents.document import Document
from context.documents.edits import Edit, EditRing


class Buffer:
    """An editor's buffer, which tells the ring about each change."""

    def __init__(self, ring: EditRing, text: str, path: str = "a.py") -> None:
        self.ring = ring
        self.document = Document(path, text, "python", 0)

    def replace(self, old: str, new: str, time_s: float = 0.0) -> None:
        self.become(self.document.text.replace(old, new, 1), time_s)

    def become(self, text: str, time_s: float = 0.0) -> None:
        before = self.document
        self.document = Document(before.path, text, "python", before.version + 1)
        self.ring.note(before, self.document, time_s)


def numbered(count: int) -> str:
    return "".join(f"line {n}\n" for n in range(count))


def test_a_word_typed_letter_by_letter_is_one_edit() -> None:
    ring = EditRing()
    buffer = Buffer(ring, numbered(20))
    for length in range(1, 6):
        buffer.replace("line 7" + "hello"[: length - 1] + "\n", "line 7" + "hello"[:length] + "\n", length)
    assert ring.recent() == (Edit("a.py", "python", 7, ("line 7\n",), ("line 7hello\n",), 5),)


def test_close_places_become_one_edit_with_the_lines_between() -> None:
    ring = EditRing()
    buffer = Buffer(ring, numbered(20))
    buffer.replace("line 5\n", "five\n")
    buffer.replace("line 3\n", "three\nand\n")
    (edit,) = ring.recent()
    assert edit.first_line == 3
    assert edit.old_lines == ("line 3\n", "line 4\n", "line 5\n")
    assert edit.new_lines == ("three\n", "and\n", "line 4\n", "five\n")


def test_a_change_between_two_edits_makes_one_edit_that_keeps_what_both_replaced() -> None:
    ring = EditRing()
    buffer = Buffer(ring, numbered(20))
    for line in (4, 10, 7):
        buffer.replace(f"line {line}\n", f"{line}\n")
    (edit,) = ring.recent()
    assert edit.old_lines == tuple(f"line {line}\n" for line in range(4, 11))
    assert edit.new_lines == ("4\n", "line 5\n", "line 6\n", "7\n", "line 8\n", "line 9\n", "10\n")


def test_edits_far_in_place_or_time_stay_apart_and_follow_their_lines() -> None:
    ring = EditRing()
    buffer = Buffer(ring, numbered(40))
    buffer.replace("line 30\n", "thirty\n")
    buffer.replace("line 5\n", "five\nand a half\n")
    newest, oldest = ring.recent()
    assert (newest.first_line, oldest.first_line) == (5, 31)
    assert buffer.document.lines[31] == "thirty\n"
    buffer.replace("thirty\n", "THIRTY\n", time_s=1000)
    buffer.replace("line 33\n", "thirty-three\n", time_s=2000)
    assert [(edit.old_lines, edit.new_lines) for edit in ring.recent()] == [
        (("line 33\n",), ("thirty-three\n",)),
        (("line 30\n",), ("THIRTY\n",)),  # overwritten later: still one place
        (("line 5\n",), ("five\n", "and a half\n")),
    ]


def test_a_line_that_is_typed_above_an_old_edit_is_an_edit_of_its_own() -> None:
    ring = EditRing()
    buffer = Buffer(ring, numbered(20))
    buffer.replace("line 5\n", "five\n")
    buffer.replace("line 4\n", "line 4\n\n", time_s=100)
    for length in range(3):
        buffer.replace("line 4\n" + "new"[:length] + "\n", "line 4\n" + "new"[: length + 1] + "\n", time_s=101)
    assert [(edit.old_lines, edit.new_lines) for edit in ring.recent()] == [
        ((), ("new\n",)),
        (("line 5\n",), ("five\n",)),
    ]


def test_what_is_undone_leaves_the_ring() -> None:
    ring = EditRing()
    buffer = Buffer(ring, numbered(5))
    buffer.replace("line 2", "two")
    buffer.replace("two", "line 2")
    assert ring.recent() == ()


def test_a_replaced_file_is_no_edit_and_a_forgotten_file_is_gone() -> None:
    ring = EditRing()
    buffer = Buffer(ring, numbered(5))
    buffer.replace("line 2", "two")
    Buffer(ring, "x\n", "b.py").become("".join(f"new {n}\n" for n in range(500)))
    assert [edit.path for edit in ring.recent()] == ["a.py"]
    ring.forget("a.py")
    assert ring.recent() == ()


def test_no_file_fills_the_ring() -> None:
    ring = EditRing()
    other = Buffer(ring, numbered(5), "b.py")
    other.replace("line 1", "one")
    buffer = Buffer(ring, numbered(4000))
    for n in range(100):
        buffer.replace(f"line {n * 40}\n", f"changed {n}\n", n)
    paths = [edit.path for edit in ring.recent()]
    assert paths.count("a.py") == 8
    assert paths.count("b.py") == 1
    assert ring.recent()[0].new_lines == ("changed 99\n",)


def test_each_edit_says_what_stands_at_its_place_now() -> None:
    rng = random.Random(11)
    for _ in range(60):
        ring = EditRing()
        buffer = Buffer(ring, numbered(60))
        for step in range(30):
            lines = list(buffer.document.lines)
            at = rng.randrange(len(lines))
            added = [f"new {step}.{n}\n" for n in range(rng.randrange(3))]
            lines[at : at + rng.randrange(3)] = added
            buffer.become("".join(lines), step * rng.choice([1, 200]))
            for edit in ring.recent():
                end = edit.first_line + len(edit.new_lines)
                assert buffer.document.lines[edit.first_line : end] == edit.new_lines
