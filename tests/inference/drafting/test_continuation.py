"""A continuation makes drafts of a small model's text, in the tokens of the large model."""

import itertools
import math
from collections.abc import Iterator, Sequence

import pytest

from inference.drafting.continuation import Continuation, Continuations
from inference.local_engine import BUILTIN_MODEL
from inference.models.description import read_family
from inference.prompts.tokenizer import Tokenizer


class Written:
    """A small model that knows the text of a hole, in pieces of three characters; `asked` has the questions."""

    def __init__(self, text: str, probabilities: Sequence[float] = ()) -> None:
        self.text = text
        self.probabilities = probabilities
        self.asked: list[tuple[str, str, str]] = []

    def go_on(self, before: str, written: str, suffix: str) -> Iterator[tuple[str, float]]:
        self.asked.append((before, written, suffix))
        assert self.text.startswith(written)
        for place, at in enumerate(range(len(written), len(self.text), 3)):
            probability = self.probabilities[place] if place < len(self.probabilities) else 0.99
            yield self.text[at : at + 3], math.log(probability)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(BUILTIN_MODEL, read_family(BUILTIN_MODEL))


def source(small: Written, tokenizer: Tokenizer, before: str = "x = 1\n", begun: str = "") -> Continuation:
    asked = Continuations(small, tokenizer)
    return Continuation(asked, tokenizer.encode(before), tokenizer.encode("\nreturn x\n" * 40), begun)


def drafted(continuation: Continuation, tokenizer: Tokenizer) -> str:
    return tokenizer.decode(expected.token for expected in continuation.expect())


def test_the_text_of_the_small_model_comes_in_tokens_of_the_large_one_up_to_the_end_of_a_line(
    tokenizer: Tokenizer,
) -> None:
    small = Written("return len(names)\nsomething else")
    continuation = source(small, tokenizer)
    expected = [each.token for each in continuation.expect()]
    assert expected == tokenizer.encode("return len(names)\n")[: len(expected)]
    assert tokenizer.decode(expected).startswith("return len(names)")
    for token in tokenizer.encode("return len"):
        continuation.push(token)
    assert drafted(continuation, tokenizer).startswith("(names)")
    before, written, suffix = small.asked[-1]
    assert (before, written) == ("x = 1\n", "return len")
    assert suffix.startswith("\nreturn x")
    assert len(tokenizer.encode(suffix)) <= 48


def test_a_begun_word_is_a_part_of_the_first_tokens(tokenizer: Tokenizer) -> None:
    small = Written("return names")
    continuation = source(small, tokenizer, begun="retur")
    assert drafted(continuation, tokenizer) == "return names"
    assert small.asked[-1][1] == "retur"
    continuation.push(tokenizer.encode("return")[0])
    assert drafted(continuation, tokenizer) == " names"


def test_a_token_is_as_likely_as_the_pieces_that_begin_in_it_and_what_is_unlikely_ends_the_draft(
    tokenizer: Tokenizer,
) -> None:
    (sure,) = tokenizer.encode("return")
    continuation = source(Written("return a + b", [0.9, 0.8, 0.3, 0.5, 0.9]), tokenizer)
    expected = list(continuation.expect())
    assert expected[0].token == sure
    assert expected[0].guess == pytest.approx(0.8 * 0.9 * 0.8)
    assert "return a ".startswith(tokenizer.decode(each.token for each in expected))
    assert expected[0].grade > expected[1].grade


def test_the_text_before_the_hole_begins_at_the_same_line_while_a_user_types(tokenizer: Tokenizer) -> None:
    small = Written("y")
    text = "".join(f"line {number} has some words\n" for number in range(80))
    seen = []
    for words in range(0, 100, 5):
        list(source(small, tokenizer, text + words * "word ").expect())
        seen.append(small.asked[-1][0].removesuffix(words * "word "))
    assert len(set(seen)) <= 2, "a hundred tokens change the beginning once at most"
    assert all(text.endswith(before) and before.startswith("line ") for before in seen)
    assert len(seen[0]) < len(text) / 2


def test_of_long_lines_the_text_before_the_hole_is_not_lost(tokenizer: Tokenizer) -> None:
    small = Written("y")
    list(source(small, tokenizer, "word " * 400 + "\n").expect())
    assert len(small.asked[-1][0]) > 500


def test_a_character_of_several_tokens_is_counted_once(tokenizer: Tokenizer) -> None:
    class Pieces(Written):
        def go_on(self, before: str, written: str, suffix: str) -> Iterator[tuple[str, float]]:
            yield from (("漢字", math.log(0.9)), (" = ", math.log(0.99)), ("a", math.log(0.6)))

    *_, last = source(Pieces(""), tokenizer).expect()
    assert tokenizer.decode([last.token]).strip() == "a"
    assert last.guess <= 0.8 * 0.61


def test_the_text_before_the_hole_is_that_of_its_own_file(tokenizer: Tokenizer) -> None:
    small = Written("y")
    fim = tokenizer.sentinels.fim
    assert fim is not None
    before = [*tokenizer.encode("another file\n"), fim.begin, *tokenizer.encode("x = ")]
    list(Continuation(Continuations(small, tokenizer), before, (), "").expect())
    assert small.asked[-1][0] == "x = "


def test_nothing_is_drafted_within_a_character_and_where_the_small_model_ends(tokenizer: Tokenizer) -> None:
    small = Written("é!")
    continuation = source(small, tokenizer)
    continuation.push(next(token for token in range(8192) if tokenizer.token_bytes(token) == b"\xc3"))
    assert not list(continuation.expect())
    assert not small.asked
    assert not list(source(Written(""), tokenizer).expect())


def test_the_small_model_is_asked_only_where_that_takes_little_of_a_step(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Continuations(Written("x"), tokenizer)
    assert asked.pays(0.0), "nothing is known yet"
    monkeypatch.setattr("time.thread_time", itertools.count(step=0.002).__next__)  # each question takes 2 ms
    for _ in range(100):
        asked.ask("", "", "")
    assert asked.pays(20.0)
    assert not asked.pays(4.0)
    assert any(asked.pays(4.0) for _ in range(200)), "it is tried again after a while"


def test_a_small_model_that_fails_harms_no_output_and_is_asked_no_more(tokenizer: Tokenizer) -> None:
    class Failing(Written):
        def go_on(self, before: str, written: str, suffix: str) -> Iterator[tuple[str, float]]:
            yield "a", -0.1
            raise MemoryError

    continuation = source(Failing("abc"), tokenizer)
    assert continuation.pays(100.0)
    assert not list(continuation.expect())
    assert not continuation.pays(100.0)
