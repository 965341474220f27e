"""The passages of a repository hold each of its lines once, and a seed draws the same ones again."""

from pathlib import Path

from evaluation.typist.passages import MOST_LINES, Passage, draw_passages, passages_of, pauses_in
from evaluation.typist.repositories import Repository

TEXT = "import os\n\n\ndef f(name):\n" + "    x = name\n" * 11 + "\n    return x\n"
FILES = {"a.py": TEXT, "b.py": "y = 1", "long.py": f"z = '{'.' * 200}'\nw = 2\n"}
REPOSITORY = Repository("r", Path("r"), FILES)


def test_every_line_is_in_one_passage() -> None:
    passages = list(passages_of(REPOSITORY))
    lines = [line for passage in passages for line in passage.typed.split("\n")]
    wanted = [line for text in FILES.values() for line in text.splitlines() if line.strip() and len(line) < 100]
    assert lines == wanted
    assert max(passage.lines for passage in passages) == MOST_LINES
    assert all(passage.text[passage.start : passage.end] == passage.typed for passage in passages)


def test_a_smaller_draw_begins_a_larger_one() -> None:
    few, more = draw_passages(REPOSITORY, 3, seed=5), draw_passages(REPOSITORY, 12, seed=5)
    assert 3 <= sum(passage.lines for passage in few) < 12 <= sum(passage.lines for passage in more)
    assert more[: len(few)] == few
    assert len(draw_passages(REPOSITORY, 0, seed=5)) == len(list(passages_of(REPOSITORY)))


def test_a_typist_pauses_where_lines_begin_and_end_and_behind_what_opens_something() -> None:
    typed = "    x = f(1)\n    return x"
    pauses = pauses_in(Passage("r", "a.py", typed, 0, len(typed)), seed=1)
    certain = {4, len("    x ="), len("    x = f("), 12, 17, len("    x = f(1)\n    return "), len(typed)}
    assert certain <= set(pauses)
    assert pauses == sorted(pauses)
