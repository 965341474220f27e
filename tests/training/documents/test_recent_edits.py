"""A row with recent edits asks for the next of several changes, beside the changes that were made before it."""

from random import Random

import numpy as np
import pytest

from training.corpus.changes import ChangedFile, find_hunks
from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.documents.document_source import DocumentSource
from training.documents.fim import SUFFIX_CHARS_PER_TOKEN, Budget
from training.documents.recent_edits import EditText, RecentEdits
from training.packages.languages import PYTHON

BUDGET = Budget(tokens=700, suffix_tokens=100, context_share=0.6)


def make_file(number: int) -> ChangedFile:
    """A file whose two releases differ in a call, in a comment and in a word of its own."""
    filler = "".join(f"line_{number}_{i} = compute({i})\n" for i in range(9))
    old = f"{filler}# Once.\n{filler}store = open_store(path)\nprint(store)\n{filler}x = 1\n"
    new = old.replace("# Once.", "# Twice.").replace("open_store(path)", f"open_store(path, timeout_{number}=deadline)")
    new = new.replace("x = 1\n", f"x = 1\ndef own_{'abcdefgh'[number] * 5}():\n    return x\n")
    return ChangedFile(f"p/file{number}.py", old, (), find_hunks("p/file.py", old, new))


@pytest.fixture(scope="module")
def changed() -> list[ChangedFile]:
    return [make_file(number) for number in range(6)]


@pytest.fixture
def edits(changed: list[ChangedFile], encoder: TextEncoder) -> RecentEdits:
    return RecentEdits([changed], encoder)


def draw_all(edits: RecentEdits, rounds: int = 30) -> list[tuple[tuple[int, int, int], EditText]]:
    drawn = [
        (unit, edits.draw(unit, BUDGET, number % 2 == 0, Random(number)))
        for number in range(rounds)
        for unit in edits.units
    ]
    assert all(edit is not None for _, edit in drawn)  # nothing that is asked for stands behind the hole
    return [(unit, edit) for unit, edit in drawn if edit is not None]


def test_what_stands_before_the_middle_and_the_middle_are_the_new_text(
    edits: RecentEdits, changed: list[ChangedFile]
) -> None:
    drawn = draw_all(edits)
    whole = 0
    for (_, file, index), edit in drawn:
        new, middle = changed[file].hunks[index].new, edit.parts.middle
        assert middle.strip()
        assert new not in edit.parts.prefix
        assert middle.removesuffix("\n") in "\n" + new  # a begun word may take the newline before the line
        whole += middle.removesuffix("\n") == new.removesuffix("\n")
        at = new.find(middle)
        if at > 0:
            assert edit.parts.prefix.endswith(new[:at])
    assert 0.2 < whole / len(drawn) < 0.8


def test_the_text_behind_the_hole_has_neither_the_old_lines_nor_the_new_ones(
    edits: RecentEdits, changed: list[ChangedFile]
) -> None:
    for (_, file, index), edit in draw_all(edits):
        hunk = changed[file].hunks[index]
        old = "".join(changed[file].lines_with((), hunk.start, hunk.end)).strip()
        assert edit.parts.middle.strip() not in edit.parts.suffix
        assert not old or old not in edit.parts.suffix


def test_a_middle_that_stands_behind_the_hole_is_not_asked_for(encoder: TextEncoder) -> None:
    old = "".join(f"name_{i} = {i}\n" for i in range(8)) + "retry(deadline)\n"
    new = "retry(deadline)\n" + old
    edits = RecentEdits([[make_file(1), ChangedFile("p/b.py", old, (), find_hunks("p/b.py", old, new))]], encoder)
    narrow, wide = (Budget(700, tokens, 0.5) for tokens in (2, 100))
    assert 2 * SUFFIX_CHARS_PER_TOKEN < len(old) - len("retry(deadline)") < 100 * SUFFIX_CHARS_PER_TOKEN
    for seed in range(20):
        assert edits.draw((0, 1, 0), narrow, False, Random(seed)) is not None
        edit = edits.draw((0, 1, 0), wide, False, Random(seed))
        assert edit is None or len(edit.parts.middle.strip()) < 8


def test_the_edits_are_of_other_files_and_stand_nearest_to_the_current_one(
    edits: RecentEdits, changed: list[ChangedFile]
) -> None:
    with_others = 0
    for (_, file, _), edit in draw_all(edits):
        assert edit.made
        assert all(place.file != file for place in edit.made)
        assert edit.parts.context.endswith(edit.edits)
        assert changed[file].path not in edit.parts.context
        with_others += len(edit.parts.context) > len(edit.edits)
        for place in edit.made:
            hunk = changed[place.file].hunks[place.hunk]
            assert hunk.is_code
            title = f"# {changed[place.file].path}\n"
            assert title in edit.edits
            lines = changed[place.file].new.split("\n")
            first = lines.index(hunk.new.split("\n")[0])
            around = "\n".join(lines[max(0, first - 3) : first + hunk.new.count("\n") + 3])
            assert around in edit.edits
    assert with_others


def test_most_changes_share_a_name_with_one_that_was_made_before(
    edits: RecentEdits, changed: list[ChangedFile]
) -> None:
    deadline = [unit for unit in edits.units if "deadline" in changed[unit[1]].hunks[unit[2]].new]
    assert len(edits.units) * 0.6 < len(deadline) < len(edits.units)
    for unit, edit in draw_all(edits):
        if unit in deadline:
            assert "deadline" in edit.edits
    assert all(changed[file].hunks[index].is_code for _, file, index in edits.units)


def test_one_number_gives_one_row_and_four_turns_of_python_ask_for_edits(
    encoder: TextEncoder, package: list[SourceFile], changed: list[ChangedFile]
) -> None:
    def source() -> DocumentSource:
        return DocumentSource([package], encoder, 1024, 3, 1.0, [changed])

    mine = source()
    drawn = [mine.draw(number, 900) for number in range(PYTHON.share)]
    assert [source().draw(number, 900) for number in (31, 7, 20)] == [drawn[number] for number in (31, 7, 20)]
    of_edits = [ids for ids, _ in drawn if "# p/file" in encoder.decode(ids)]
    assert len(of_edits) == 4
    later = mine.fill_rows(2, 60)
    assert np.array_equal(later.inputs, source().fill_rows(2, 60).inputs)


def test_a_corpus_without_releases_gives_the_documents_that_it_gave(
    encoder: TextEncoder, package: list[SourceFile]
) -> None:
    unchanged = ChangedFile("p/a.py", "x = 1\n", (), ())
    empty: list[list[list[ChangedFile]]] = [[], [[]], [[unchanged]]]
    rows = DocumentSource([package], encoder, 256, 3).fill_rows(4, 5).inputs
    for changed in empty:
        assert np.array_equal(rows, DocumentSource([package], encoder, 256, 3, changed=changed).fill_rows(4, 5).inputs)


@pytest.mark.parametrize("room", [64, 100, 300])
def test_a_small_room_has_a_document_too(encoder: TextEncoder, changed: list[ChangedFile], room: int) -> None:
    source = DocumentSource((), encoder, 1024, 3, changed=[changed])
    for number in range(40):
        ids, answer_tokens = source.draw(number, room)
        assert ids[0] == encoder.bos
        assert answer_tokens < len(ids) <= room
