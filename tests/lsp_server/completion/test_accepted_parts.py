"""A completion is accepted in parts, and each part counts once."""

import pytest


def test_a_beginning_that_is_inserted_at_once_is_accepted_in_part(screen):
    screen.show("first_and_long_word() + second_and_long_word() + third")
    screen.insert("first_and_long_word() ")
    screen.show("+ second_and_long_word() + third")
    screen.insert("+ second_and_long_word() ")
    screen.insert("!")
    assert screen.told == [("part", 47)]


def test_a_beginning_of_one_character_is_typed(screen):
    screen.show("print(x)")
    screen.insert("p")
    screen.insert("!")
    assert screen.told == [("dismissed", 8)]


def test_all_parts_make_it_accepted(screen):
    screen.show("first_and_long_word() + second_and_long_word()")
    screen.insert("first_and_long_word() ")
    screen.insert("+ second_and_long_word()")
    assert screen.told == [("accepted", 46)]


def test_words_that_come_at_once_may_be_typed(screen):
    screen.show("first second third")
    screen.insert("first ")
    screen.insert("second ")
    screen.items.clear()
    assert screen.told == [("dismissed", 18)]


def test_a_part_that_the_command_tells_counts_once(screen):
    (number,) = screen.show("first second third")
    screen.insert("first ")
    screen.items.accept(number, 6)
    screen.items.accept(number, 13)
    screen.insert("second ")
    screen.items.clear()
    assert screen.told == [("part", 13)]


def test_a_part_of_the_rest_is_counted_from_where_the_rest_begins(screen):
    (number,) = screen.show("first second third")
    screen.insert("first ")
    screen.items.accept(number, 6)
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


def test_an_astral_character_is_one(screen):
    screen.show("'😀😀'")
    (number,) = screen.numbers
    screen.items.accept(number, 2)
    screen.insert("'😀")
    screen.items.clear()
    assert screen.told == [("part", 2)]
