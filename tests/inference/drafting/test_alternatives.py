"""Texts that the output may begin with are followed while the output is the same."""

from inference.drafting.alternatives import Alternatives, RepeatedSuffix


def test_the_likeliest_text_that_is_left_is_expected() -> None:
    alternatives = Alternatives("lines", [(1, 2, 3), (1, 5, 6, 7)])
    assert [one.token for one in alternatives.expect()] == [1, 2, 3]
    alternatives.push(1)
    alternatives.push(5)
    assert [one.token for one in alternatives.expect()] == [6, 7]
    alternatives.push(9)
    assert list(alternatives.expect()) == []


def test_where_a_word_is_begun_a_text_that_cannot_come_is_passed_over() -> None:
    alternatives = Alternatives("lines", [(1, 2), (3, 4)])
    assert [one.token for one in alternatives.expect(lambda token: token != 1)] == [3, 4]
    suffix = RepeatedSuffix((10, 4))
    suffix.push(10)
    assert list(suffix.expect(lambda token: token != 4)) == []


def test_a_text_that_is_written_to_its_end_expects_nothing() -> None:
    alternatives = Alternatives("prediction", [(1,), ()])
    alternatives.push(1)
    assert list(alternatives.expect()) == []
    alternatives.push(2)


def test_the_suffix_is_expected_when_it_has_begun_and_again_when_it_begins_again() -> None:
    suffix = RepeatedSuffix((10, 4, 5, 6))
    assert list(suffix.expect()) == []
    for token in (1, 10, 4):
        suffix.push(token)
    assert [one.token for one in suffix.expect()] == [5, 6]
    suffix.push(10)
    assert [one.token for one in suffix.expect()] == [4, 5, 6]
    suffix.push(3)
    assert list(suffix.expect()) == []
