"""The lookup expects what stood behind the same tokens in the prompt, the output and the documents."""

import random
from itertools import islice

import pytest

from inference.api import Draft
from inference.drafting.lookup import Lookup


def expected(lookup: Lookup, count: int) -> list[int]:
    return [one.token for one in islice(lookup.expect(), count)]


def by_hand(texts: list[list[int]], recent: list[int]) -> int | None:
    """Return the next token by the rule itself, in the plainest way; the last text has the output."""
    for searched in (3, 2, 1):
        ending = recent[-searched:]
        scores: dict[int, int] = {}
        places = 0
        for text in reversed(texts):
            for place in range(len(text) - 1, searched - 1, -1):
                if text[place - searched : place] == ending and places < 12:
                    places += 1
                    matching = searched
                    while matching < min(len(recent), place, 8) and text[place - 1 - matching] == recent[-1 - matching]:
                        matching += 1
                    scores[text[place]] = scores.get(text[place], 0) + 2**matching
        if scores:
            return max(scores, key=lambda token: scores[token])
    return None


@pytest.mark.parametrize("seed", range(4))
def test_the_next_token_is_that_of_the_rule(seed: int) -> None:
    rng = random.Random(seed)
    document, prompt, output = ([rng.choice([*range(9), 70_000]) for _ in range(n)] for n in (60, 90, 80))
    before = prompt[:40]
    lookup = Lookup([Draft("document", tuple(document)), Draft("prompt", tuple(prompt))], before, has_output=True)
    recent = list(before)
    for count, token in enumerate(output):
        texts = [document, prompt + output[:count]]
        assert expected(lookup, 1) == [by_hand(texts, recent[-8:])]
        lookup.push(token)
        recent.append(token)


def test_the_tokens_before_the_output_are_those_at_the_hole() -> None:
    """In the order PSM, the suffix stands between the prefix and the output."""
    prompt = Draft("prompt", (1, 2, 3, 4, 5, 1, 2, 3, 900, 7, 8, 901))
    lookup = Lookup([prompt], [9, 1, 2, 3], {900, 901}, has_output=True)
    assert expected(lookup, 2) == [4, 5]
    assert expected(Lookup([prompt], [9, 9, 1, 2], {900, 901}, has_output=True), 1) == [3]


def test_a_sentinel_is_never_expected_and_takes_no_place_of_a_match() -> None:
    """The best match of the tokens before a hole is the hole itself, behind which its sentinel stands."""
    prompt = Draft("prompt", (5, 6, 7, *(8, 900) * 12, 1, 8, 900, 2))
    assert expected(Lookup([prompt], [8], {900}, has_output=True), 1) == []
    prompt = Draft("prompt", (8, 5, *(8, 900) * 12))
    assert expected(Lookup([prompt], [8], {900}, has_output=True), 1) == [5]


def test_of_the_places_those_count_that_go_on_with_the_begun_word() -> None:
    prompt = Draft("prompt", (1, 2, 7, 8, 3, 1, 2, 9, 4, 1, 2, 9, 5))
    lookup = Lookup([prompt], [1, 2], has_output=False)
    assert expected(lookup, 1) == [9]
    assert [one.token for one in islice(lookup.expect(lambda token: token < 9), 2)] == [7, 8]
    assert not list(lookup.expect(lambda token: token > 9))


def test_each_token_is_looked_up_behind_those_before_it() -> None:
    texts = [Draft("document", (5, 6, 7, 8)), Draft("prompt", (1, 2, 3, 5, 6))]
    assert expected(Lookup(texts, [2], has_output=False), 6) == [3, 5, 6, 7, 8]


def test_a_match_never_reaches_over_the_end_of_a_text_nor_from_one_text_into_another() -> None:
    texts = [Draft("document", (1, 2)), Draft("prompt", (3, 4))]
    assert expected(Lookup(texts, [1, 2], has_output=False), 3) == []
    token_bytes = [Draft("prompt", (0x01020304, 0x05060708))]  # a byte of one token and three of the next are no token
    assert expected(Lookup(token_bytes, [0x08010203], has_output=False), 1) == []


def test_each_token_says_which_text_it_is_from() -> None:
    lookup = Lookup([Draft("document", (1, 2, 3)), Draft("prompt", (7, 8, 1))], [8], has_output=False)
    assert [(one.token, one.source) for one in lookup.expect()] == [(1, "prompt"), (2, "document"), (3, "document")]


def test_without_the_output_only_the_texts_are_looked_up() -> None:
    lookup = Lookup([Draft("document", (1, 2))], [], has_output=False)
    for token in (5, 6, 5):
        lookup.push(token)
    assert expected(lookup, 1) == []
