import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.prompt.pack import Budget, Pack, pack
from context.prompt.placement import Placement
from context.prompt.snippet import Snippet, Tier, in_reading_order
from context.syntax.imports import find_imports
from tests.context.prompt.test_pack import COUNTS, count_words, source

HERE = Snapshot(Document("here.py", "x = 1\n", "python", 1), 6)


def snippet(name: str, score: float, lines: int = 6, **more: object) -> Snippet:
    return Snippet(f"{name}.py", source(lines, name), "python", "why", score, **more)  # type: ignore[arg-type]  # few fields


def shown(it: Pack) -> list[str]:
    return [segment.path.removesuffix(".py") for segment in it.segments if segment.kind == "snippet"]


def moved(it: Pack) -> list[bool]:
    return [segment.moved for segment in it.segments]


def packed(placement: Placement, candidates: Sequence[Snippet]) -> Pack:
    return placement.mark_moves(pack(HERE, candidates, Budget(4000), count_words, placement.arrange))


def test_what_is_placed_keeps_its_place_and_what_is_new_comes_behind_it() -> None:
    placement = Placement()
    first = packed(placement, (snippet("a", 0.5), snippet("b", 0.4)))
    assert shown(first) == ["b", "a"]
    assert all(moved(first))
    # By their scores alone, the snippets would stand in another order.
    candidates = (snippet("c", 0.9), snippet("b", 0.8), snippet("a", 0.1))
    second = packed(placement, candidates)
    assert shown(second) == ["b", "a", "c"]
    assert second.context.startswith(first.context)
    assert moved(second) == [False, False, True, True]
    assert [segment.score for segment in second.segments[:3]] == [0.8, 0.1, 0.9]
    third = packed(placement, candidates)
    assert not any(moved(third))


def test_what_matters_little_does_not_move_the_current_file() -> None:
    placement = Placement()
    first = packed(placement, (snippet("a", 0.9),))
    second = packed(placement, (snippet("a", 0.9), snippet("b", 0.2)))
    assert second.context == first.context


def test_what_is_out_of_date_or_forbidden_goes_at_once() -> None:
    placement = Placement()
    packed(placement, (snippet("a", 0.9), snippet("b", 0.8)))
    it = packed(placement, (snippet("a", 0.9),))
    assert shown(it) == ["a"]


def test_a_file_that_an_editor_opens_again_with_the_same_version_is_read_again() -> None:
    placement = Placement()
    first = Snapshot(HERE.document, 0, (Document("other.py", "x = 1\n", "python", 0, opening=1),))
    placement.remember((), first, 0)
    assert not placement.is_due(first, 0)
    assert placement.is_due(Snapshot(HERE.document, 0, (Document("other.py", "x = 2\n", "python", 0, opening=2),)), 0)


def test_when_the_room_is_full_much_is_evicted_at_once() -> None:
    placement = Placement()
    candidates: tuple[Snippet, ...] = ()
    contexts = []
    for number in range(60):
        candidates = (*candidates, snippet(f"s{number}", 1 + number / 10))
        contexts.append(pack(HERE, candidates, Budget(3000), count_words, placement.arrange).context)
    rebuilt = sum(not after.startswith(before) for before, after in pairwise(contexts))
    assert "s59.py" in contexts[-1]
    assert "s0.py" not in contexts[-1]
    # To evict one snippet at a time would be a rebuild for each that does not fit.
    assert 1 <= rebuilt <= 15


def test_files_stand_after_what_they_import_and_what_changes_often_stands_last() -> None:
    ordered = in_reading_order(
        [
            snippet("uses", 0.1, requires=frozenset({"base.py"})),
            snippet("base", 0.9),
            snippet("edited", 0.2, tier=Tier.EDIT),
            snippet("open", 0.95, tier=Tier.BUFFER),
            snippet("circle", 0.3, requires=frozenset({"circle2.py"})),
            snippet("circle2", 0.4, requires=frozenset({"circle.py"})),
        ]
    )
    names = [one.path.removesuffix(".py") for one in ordered]
    assert names == ["base", "uses", "circle2", "circle", "open", "edited"]


def test_parts_of_a_file_stand_together_under_one_name() -> None:
    head = Snippet("a.py", "def first(): ...\n" * 9, "python", "why", 0.3, first_line=0)
    tail = Snippet("a.py", "def second(): ...\n" * 9, "python", "why", 0.9, first_line=50)
    it = pack(HERE, (tail, snippet("b", 0.5), head), Budget(4000), count_words)
    assert it.context.count("# a.py\n") == 1
    assert it.context.index("first") < it.context.index("second")


@pytest.mark.parametrize("seed", range(6))
def test_the_budget_is_never_exceeded_whatever_was_placed(seed: int) -> None:
    rng = random.Random(seed)
    count = COUNTS[seed % len(COUNTS)]
    placement = Placement()
    pool = [
        snippet(f"s{n}", rng.random(), rng.randrange(1, 60), tier=rng.choice(list(Tier)), first_line=n)
        for n in range(25)
    ]
    for _ in range(60):
        text = source(rng.choice([0, 3, 40, 300]), "h")
        snapshot = Snapshot(Document(rng.choice(["x.py", "y.py"]), text, "python", 1), rng.randint(0, len(text)))
        candidates = tuple(rng.sample(pool, rng.randrange(25)))
        budget = Budget(rng.choice([0, 5, 60, 300, 1500, 4000]), rng.choice([0, 64]))
        it = pack(snapshot, candidates, budget, count, placement.arrange)
        assert count(it.context) + count(it.prefix) + count(it.suffix) == it.tokens <= budget.total_tokens


IMPORTING = {
    "python": ["import a\n", "from a.b import (\n    c,\n    d,\n)\n", "from . import e\n"],
    "typescript": ["import { a,\n  b } from './c'\n", "const d = require('e')\n", "export * from 'f'\n"],
    "go": ['import "fmt"\n', 'import (\n  "a/b"\n  c "d"\n)\n'],
}


@pytest.mark.parametrize("language", IMPORTING)
def test_the_imports_of_a_file_are_followed_over_its_edits(language: str) -> None:
    rng = random.Random(5)
    pieces = [*IMPORTING[language], "import ", "from 'x'", "(", ")", "x", "{", "\n", "x = call(y)\n" * 40]
    placement = Placement()
    for _ in range(8):
        text = "".join(rng.choices([*IMPORTING[language], "x = call(y)\n" * 300], k=30))
        for _ in range(40):
            start = rng.randrange(len(text))
            text = text[:start] + rng.choice(pieces) + text[start + rng.choice([0, 1, 10]) :]
            document = Document("here", text, language, 1)
            assert placement._imports_of(document) == find_imports(language, text)
