"""The displayed completion follows the document: the user types it, the editor inserts it, or it is dismissed."""

import time

import pytest

from tests.lsp_server.completion.screen import Screen


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


@pytest.mark.parametrize("text", ["first_word(second_word)", "if a:\n    b"])
def test_an_item_that_no_typing_brings_at_once_is_accepted_without_its_command(screen, text):
    screen.show(text)
    screen.insert(text)
    assert screen.told == [("accepted", len(text))]


@pytest.mark.parametrize("text", ["print(x)", "print(x)\n    "])
def test_an_item_that_typing_may_bring_is_typed(screen, text):
    screen.show(text)
    screen.insert(text)
    screen.items.clear()
    assert screen.told == [("typed", len(text))]


def test_an_editor_that_reports_acceptances_is_believed(screen):
    screen.reports = True
    screen.show("first_word(second_word)")
    screen.insert("first_word(second_word)")
    screen.items.clear()
    assert screen.told == [("typed", 23)]


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
    assert screen.told == [("accepted", 1)]


def test_the_rest_after_a_line_of_a_file_with_cr_lf_is_the_same_item():
    screen = Screen("def f():\r\n    |\r\n")
    screen.show("a = 1\n    b = 2\n    c = 3")
    screen.items.accept(screen.numbers[0], 10)
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
    screen.accept("nt(x)")
    assert screen.told == [("accepted", 5)]


def test_what_came_too_late_was_never_shown(screen):
    (number,) = screen.show("print(x)", typed_meanwhile="other")
    screen.items.end()
    assert not screen.outcomes
    assert not screen.items.accept(number)


def test_one_of_several_candidates_may_be_inserted_or_accepted(screen):
    screen.show("first", "second", "third")
    screen.accept("second", candidate=1)
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
    screen.accept("print(x)", over=3)
    assert screen.told == [("accepted", 3)]
    screen = Screen(f"{there}|\n")
    screen.show("print(x)", over=3, given="print")
    screen.insert("print", over=3)  # the menu's entry is chosen
    screen.show("(x)")
    screen.accept("(x)")
    assert screen.told == [("accepted", 3)]


def test_typing_on_while_a_menu_is_open_leaves_the_item():
    screen = Screen("pr|\n")
    screen.show("print(x)", over=2, given="print")
    screen.insert("i")
    screen.show("print(x)", over=3, given="print")
    assert not screen.outcomes
    screen.items.end()
    assert screen.told == [("dismissed", 8)]


def test_a_text_is_typed_past_also_before_what_the_editor_has_closed(screen):
    screen.show("f(a)")
    screen.insert("f")
    screen.insert("()")
    screen.cursor -= 1
    screen.insert("b")
    assert screen.items.was_refused("a")


def test_a_text_is_typed_past_also_behind_its_first_line_in_a_file_with_cr_lf():
    screen = Screen("def f():\r\n    |\r\n")
    screen.show("a = 1\n    b = 2")
    screen.insert("a = 1\r\n    ")
    screen.insert("c")
    assert screen.items.was_refused("b = 2")


def test_what_was_accepted_a_moment_ago_is_known(screen, monkeypatch):
    (number,) = screen.show("print(x)")
    assert screen.items.accepted_text is None
    screen.items.accept(number)
    assert screen.items.accepted_text == "x = print(x)"
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert screen.items.accepted_text is None
