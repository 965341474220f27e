"""The displayed completion follows the document: the user types it, the editor inserts it, or it is dismissed."""

import itertools
import time

import pytest
from lsprotocol import types

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.completion.document_completion import DocumentCompletion
from lsp_server.completion.insertion import insertion_at
from lsp_server.telemetry.display_outcome import DisplayOutcome


class Screen:
    """`text` with its cursor at "|"; what the editor is given is shown there."""

    def __init__(self, marked: str) -> None:
        before, after = marked.split("|")
        self.outcomes: list[DisplayOutcome] = []
        self.items = DocumentCompletion(itertools.count(1), lambda ended: self.outcomes.append(ended.outcome()))
        self.text, self.cursor = before + after, len(before)

    def show(self, *texts: str, over: int = 0, given: str = "", typed_meanwhile: str = "") -> list[int]:
        """`given` is what a menu would put over the last `over` characters."""
        snapshot = Snapshot(Document("a.py", self.text, "python", 1), self.cursor)
        now = self.text[: self.cursor] + typed_meanwhile + self.text[self.cursor :]
        line, column = snapshot.document.position_at(self.cursor)
        where = types.Range(types.Position(line, column - over), types.Position(line, column))
        selected = types.SelectedCompletionInfo(where, given) if given else None
        insertion = insertion_at(snapshot, selected, types.PositionEncodingKind.Utf32)
        numbers = self.items.display(insertion, texts, 12.5, now)
        self.text, self.cursor = now, self.cursor + len(typed_meanwhile)
        return numbers

    def insert(self, text: str, over: int = 0) -> None:
        self.text = self.text[: self.cursor - over] + text + self.text[self.cursor :]
        self.cursor += len(text) - over
        self.items.follow(self.text)

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(outcome.kind, outcome.characters) for outcome in self.outcomes]


@pytest.fixture
def screen() -> Screen:
    return Screen("x = |\ny = 2\n")


def test_an_outcome_tells_the_language_and_the_times(screen):
    (number,) = screen.show("print(x)")
    screen.items.accept(number)
    (outcome,) = screen.outcomes
    assert outcome.language == "python"
    assert outcome.latency_ms == 12.5
    assert outcome.shown_for_s >= 0


def test_the_items_command_accepts_it_once_whether_it_comes_before_or_after_the_text(screen):
    (number,) = screen.show("print(x)")
    assert screen.items.accept(number)
    screen.insert("print(x)")
    assert screen.items.accept(number)
    assert screen.told == [("accepted", 8)]
    screen.insert("\nz = ")
    (number,) = screen.show("print(z)")
    screen.insert("print(z)")
    assert screen.items.accept(number)
    assert screen.told == [("accepted", 8)] * 2


def test_a_number_that_was_never_given_is_not_known(screen):
    screen.show("print(x)")
    assert not screen.items.accept(99)
    assert not screen.outcomes


def test_an_item_that_is_inserted_whole_without_its_command_is_accepted(screen):
    screen.show("print(x)")
    screen.insert("print(x)")
    assert screen.told == [("accepted", 8)]


def test_an_item_of_one_character_is_accepted_only_by_its_command(screen):
    (number,) = screen.show(")")
    screen.insert(")")
    screen.items.accept(number)
    assert screen.told == [("accepted", 1)]
    screen.show(")")
    screen.insert(")")
    screen.insert("\n")
    assert screen.told == [("accepted", 1), ("typed", 1)]


def test_an_item_that_is_typed_to_its_end_is_typed(screen):
    screen.show("abc")
    for letter in "abc":
        screen.insert(letter)
    screen.items.clear()
    assert screen.told == [("typed", 3)]


def test_the_rest_that_is_shown_while_it_is_typed_is_the_same_item(screen):
    screen.show("print(x)")
    for typed in range(1, 8):
        screen.insert("print(x)"[typed - 1])
        (number,) = screen.show("print(x)"[typed:])
    assert not screen.outcomes
    screen.insert(")")
    screen.items.accept(number)
    assert screen.told == [("accepted", 1)]


def test_a_beginning_that_is_inserted_at_once_is_accepted_in_part(screen):
    screen.show("first second third")
    screen.insert("first ")
    screen.show("second third")
    screen.insert("second ")
    screen.insert("!")
    assert screen.told == [("part", 13)]


def test_a_beginning_of_one_character_is_typed(screen):
    screen.show("print(x)")
    screen.insert("p")
    screen.insert("!")
    assert screen.told == [("dismissed", 8)]


def test_all_parts_make_it_accepted(screen):
    screen.show("first second")
    screen.insert("first ")
    screen.insert("second")
    assert screen.told == [("accepted", 12)]


def test_a_part_that_the_command_tells_counts_once(screen):
    (number,) = screen.show("first second third")
    screen.insert("first ")
    screen.items.accept(number, 6)
    screen.items.accept(number, 13)
    screen.insert("second ")
    screen.items.clear()
    assert screen.told == [("part", 13)]


def test_a_part_of_the_rest_is_counted_from_where_the_rest_begins(screen):
    screen.show("first second third")
    screen.insert("first ")
    (number,) = screen.show("second third")
    screen.insert("second ")
    screen.items.accept(number, 7)
    screen.items.clear()
    assert screen.told == [("part", 13)]


@pytest.mark.parametrize("command_first", [False, True])
@pytest.mark.parametrize("typed", ["", "f"])
def test_a_part_counts_once_whichever_comes_first_and_what_was_typed_before_it_does_not(screen, command_first, typed):
    text, word = "first_word + second.word()", "first_word"
    (number,) = screen.show(text)
    if typed:
        screen.insert(typed)
        (number,) = screen.show(text[len(typed) :])
    part = word[len(typed) :]
    if command_first:
        screen.items.accept(number, len(part))
    screen.insert(part)
    if not command_first:
        screen.items.accept(number, len(part))
    screen.show(text[len(word) :])
    screen.insert("\n")
    assert screen.told == [("part", len(part))]


def test_a_part_and_then_all_of_it_before_either_is_there_count_once(screen):
    (number,) = screen.show("first second third")
    screen.items.accept(number, 5)
    screen.items.accept(number)
    assert screen.told == [("accepted", 18)]


def test_what_is_taken_back_of_a_part_does_not_count(screen):
    (number,) = screen.show("first_word + second.word()")
    screen.items.accept(number, 10)
    screen.insert("first_word")
    screen.insert("", over=1)
    screen.show("d + second.word()")
    screen.items.clear()
    assert screen.told == [("part", 9)]


def test_all_characters_by_the_command_accept_it(screen):
    (number,) = screen.show("abc")
    screen.items.accept(number, 3)
    assert screen.told == [("accepted", 3)]


@pytest.mark.parametrize("text", ["q", "printx", "\n", "prank"])
def test_other_text_dismisses_it(screen, text):
    screen.show("print(x)")
    screen.insert(text)
    assert screen.told == [("dismissed", 8)]


def test_a_change_elsewhere_dismisses_it(screen):
    screen.show("print(x)")
    screen.items.follow("# new\n" + screen.text)
    assert screen.told == [("dismissed", 8)]


def test_what_the_editor_closes_by_itself_leaves_the_item(screen):
    screen.show("f(a, 'b')")
    screen.insert("f")
    screen.insert("()")
    screen.cursor -= 1
    screen.show("a, 'b'")
    screen.insert("a, ")
    screen.insert("''")
    screen.cursor -= 1
    (number,) = screen.show("b")
    screen.insert("b")
    assert not screen.outcomes
    screen.items.accept(number)
    assert screen.told == [("accepted", 4)]


def test_the_rest_after_a_line_of_a_file_with_cr_lf_is_the_same_item():
    screen = Screen("def f():\r\n    |\r\n")
    screen.show("a = 1\n    b = 2\n    c = 3")
    screen.insert("a = 1\r\n    ")
    screen.show("b = 2\n    c = 3")
    assert not screen.outcomes
    screen.insert("b = 2\r\n    c = 3")
    assert screen.told == [("accepted", 25)]


def test_deleting_what_was_typed_of_it_leaves_it(screen):
    screen.show("print(x)")
    screen.insert("p")
    screen.insert("", over=1)
    assert not screen.outcomes


def test_what_takes_its_place_dismisses_it_and_so_does_the_end(screen):
    screen.show("print(x)")
    screen.show("other")
    assert screen.told == [("dismissed", 8)]
    screen.items.end()
    assert screen.told == [("dismissed", 8), ("dismissed", 5)]


def test_what_was_typed_before_it_came_is_not_accepted(screen):
    screen.show("print(x)", typed_meanwhile="pri")
    screen.insert("nt(x)")
    assert screen.told == [("accepted", 5)]


def test_what_came_too_late_was_never_shown(screen):
    (number,) = screen.show("print(x)", typed_meanwhile="other")
    screen.items.end()
    assert not screen.outcomes
    assert not screen.items.accept(number)


def test_one_of_several_candidates_may_be_inserted_or_accepted(screen):
    screen.show("first", "second", "third")
    screen.insert("second")
    assert screen.told == [("accepted", 6)]
    screen.insert("\n")
    numbers = screen.show("first", "second", "third")
    screen.items.accept(numbers[2])
    assert screen.told == [("accepted", 6), ("accepted", 5)]
    assert len(set(numbers)) == 3


@pytest.mark.parametrize("there", ["pri", "prt"])
def test_what_is_selected_in_a_menu_counts_for_nobody(there):
    screen = Screen(f"{there}|\n")
    screen.show("print(x)", over=3, given="print")
    screen.insert("print(x)", over=3)
    assert screen.told == [("accepted", 3)]
    screen = Screen(f"{there}|\n")
    screen.show("print(x)", over=3, given="print")
    screen.insert("print", over=3)  # the menu's entry is chosen
    screen.show("(x)")
    screen.insert("(x)")
    assert screen.told == [("accepted", 3)]


def test_typing_on_while_a_menu_is_open_leaves_the_item():
    screen = Screen("pr|\n")
    screen.show("print(x)", over=2, given="print")
    screen.insert("i")
    screen.show("print(x)", over=3, given="print")
    assert not screen.outcomes
    screen.items.end()
    assert screen.told == [("dismissed", 8)]


def test_what_was_accepted_a_moment_ago_is_known(screen, monkeypatch):
    (number,) = screen.show("print(x)")
    assert screen.items.accepted_text is None
    screen.items.accept(number)
    assert screen.items.accepted_text == "x = print(x)"
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert screen.items.accepted_text is None


def test_an_astral_character_is_one(screen):
    screen.show("'😀😀'")
    screen.insert("'😀")
    screen.items.clear()
    assert screen.told == [("part", 2)]
