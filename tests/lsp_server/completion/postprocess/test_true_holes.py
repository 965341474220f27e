"""Real code is never lost: when a model writes the exact text of a hole, post-processing keeps all of it."""

import random
from pathlib import Path

import pytest

from lsp_server.completion.postprocess import postprocess
from lsp_server.completion.postprocess.unseen_characters import unseen_characters
from tests.lsp_server.completion.postprocess.true_holes import (
    KINDS,
    Hole,
    Kind,
    Noise,
    holes_of,
    library_files,
    noises_of,
)

SAMPLES = sorted((Path(__file__).parent / "samples").iterdir())


def without_trailing_space(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def is_kept(hole: Hole) -> bool:
    shown = postprocess(hole.middle, hole.snapshot, "eos").text
    return without_trailing_space(shown) == without_trailing_space(hole.middle)


def stands_below_too(hole: Hole) -> bool:
    """Return whether the lines below repeat the end of the hole: then the right answer looks like a repetition."""
    below = [line.rstrip() for line in hole.after.split("\n")[1:] if line.strip()]
    lines = (hole.before.rpartition("\n")[2] + hole.middle).split("\n")
    last = [line.rstrip() for line in lines if line.strip()][-1:]
    return last == below[:1] or last[0] in below[: len(lines)]


@pytest.mark.parametrize("kind", KINDS)
def test_holes_of_the_standard_library_are_filled_as_they_were(kind: Kind) -> None:
    rng = random.Random(f"library {kind}")
    holes = [
        hole
        for path in library_files(200, rng)
        for hole in holes_of(path.name, path.read_text(encoding="utf-8"), kind, 4, rng)
    ]
    lost = [hole for hole in holes if not is_kept(hole)]
    assert len(holes) > 500
    assert [hole for hole in lost if not stands_below_too(hole) and not unseen_characters(hole.middle)] == []
    assert len(lost) <= len(holes) // 250, lost


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_model_that_was_stopped_the_first_lines_are_shown(kind: Kind) -> None:
    rng = random.Random(f"stopped {kind}")
    for path in library_files(50, rng):
        for hole in holes_of(path.name, path.read_text(encoding="utf-8"), kind, 4, rng):
            shown = without_trailing_space(postprocess(hole.middle, hole.snapshot, "lines").text)
            assert without_trailing_space(hole.middle).startswith(shown)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("kind", KINDS)
def test_holes_of_other_languages_are_filled_as_they_were(path: Path, kind: Kind) -> None:
    rng = random.Random(f"{path.name} {kind}")
    holes = list(holes_of(path.name, path.read_text(encoding="utf-8"), kind, 200, rng))
    assert len(holes) > 20
    assert [hole for hole in holes if not is_kept(hole) and not stands_below_too(hole)] == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("kind", KINDS)
def test_of_a_model_that_was_stopped_in_another_language_the_first_lines_are_shown(path: Path, kind: Kind) -> None:
    rng = random.Random(f"stopped {path.name} {kind}")
    for hole in holes_of(path.name, path.read_text(encoding="utf-8"), kind, 100, rng):
        shown = without_trailing_space(postprocess(hole.middle, hole.snapshot, "lines").text)
        assert without_trailing_space(hole.middle).startswith(shown)


@pytest.mark.parametrize(
    ("noise", "most_missed"),
    [
        ("the lines below", 0.02),
        ("the closing bracket", 0.02),
        ("the closing bracket and the rest of the line", 0.02),
    ],
)
def test_what_a_model_adds_to_the_right_answer_is_taken_off(noise: Noise, most_missed: float) -> None:
    rng = random.Random(f"noise {noise}")
    asked = wrong = 0
    for path in library_files(60, rng):
        text = path.read_text(encoding="utf-8")
        for hole, written in noises_of(path.name, text, noise, 6, rng):
            asked += 1
            shown = postprocess(written, hole.snapshot, "eos").text
            wrong += without_trailing_space(shown) != without_trailing_space(hole.middle)
    assert asked > 100
    assert wrong <= asked * most_missed, (asked, wrong)
