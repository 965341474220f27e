from random import Random

import pytest

from context.documents.difference import Change, find_change


@pytest.mark.parametrize("seed", range(5))
def test_the_change_makes_the_new_text_of_the_old_one_and_no_smaller_one_does(seed: int) -> None:
    rng = Random(seed)
    for _ in range(500):
        old, new = ("".join(rng.choices("ab", k=rng.randrange(9))) for _ in range(2))
        change = find_change(old, new)
        assert old[: change.start] + new[change.start : change.new_end] + old[change.old_end :] == new
        assert change.grown == len(new) - len(old)
        removed, added = old[change.start : change.old_end], new[change.start : change.new_end]
        assert not (removed and added and (removed[0] == added[0] or removed[-1] == added[-1]))
        assert find_change(tuple(old), tuple(new)) == find_change(old.encode(), new.encode()) == change


def test_equal_texts_have_an_empty_change() -> None:
    assert find_change("abc", "abc") == Change(3, 3, 3)
