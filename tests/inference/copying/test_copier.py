"""The copier reads the prompt and the drafts of a request, each text once."""

import pytest

from inference.api import Draft, DraftSource, Request
from inference.copying.continuations import Continuations
from inference.copying.copier import Copier, begin_copying
from inference.copying.weights import LITTLE_TEXT_TOKENS
from inference.prompts.families import DEEPSEEK_V2
from inference.prompts.prompt import TokenPrompt, build_fim_prompt
from inference.prompts.tokenizer import Tokenizer
from tests.inference.copying.by_hand import WEIGHTS
from tests.inference.folders import LITE, write_folder


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer(write_folder(tmp_path_factory.mktemp("models") / "lite", LITE), DEEPSEEK_V2)


def begin(
    tokenizer: Tokenizer,
    prefix: str,
    suffix: str,
    drafts: tuple[tuple[DraftSource, str], ...] = (),
    order: str = "spm",
    *,
    stands_alone: bool = False,
) -> Copier:
    tokens = build_fim_prompt(tokenizer, order, "", prefix, suffix)
    encoded = tuple(Draft(source, tuple(tokenizer.encode(text))) for source, text in drafts)
    request = Request(TokenPrompt(tokens), 9, drafts=encoded, may_copy=True, stands_alone=stands_alone)
    copier = begin_copying(request, tokenizer, WEIGHTS)
    assert copier is not None
    copier.begin(tokens)
    return copier


def found(copier: Copier) -> tuple[int, dict[str, int]] | None:
    """Return the suffix's length, and how often each byte follows."""
    continuations = copier.continuations()
    if continuations is None:
        return None
    assert isinstance(continuations, Continuations)
    return continuations.suffix_tokens, {
        chr(t): n for t, n in zip(continuations.tokens, continuations.counts, strict=True)
    }


@pytest.mark.parametrize("order", ["spm", "psm"])
def test_prefix_and_suffix_count_once_in_either_order(order: str, tokenizer: Tokenizer) -> None:
    copier = begin(tokenizer, "ab1 ab2 ab", " ab3", order=order)
    assert found(copier) == (3, {"2": 1, "3": 1})
    copier.push(ord("2"))
    assert found(copier) == (4, {" ": 1})


@pytest.mark.parametrize("order", ["spm", "psm"])
def test_the_parts_of_documents_that_the_prompt_lacks_count_once_too(order: str, tokenizer: Tokenizer) -> None:
    """The line of the cursor is begun in the document, and the model writes its beginning anew."""
    before, here, behind, after = "x = far\n", "x = near\n", "x = low\n", "x = last\n"
    drafts: tuple[tuple[DraftSource, str], ...] = (
        ("document", f"{before}{here}qx ="),
        ("document", f"\n{behind}{after}"),
        ("document", "x = else\nx = 1"),
    )
    copier = begin(tokenizer, f"{here}qx =", f"\n{behind}", drafts, order)
    copier.push(ord(" "))
    assert found(copier) == (4, {"e": 1, "f": 1, "l": 2, "n": 1})


def test_lines_of_the_repository_go_on_as_the_line_of_the_cursor_begins(tokenizer: Tokenizer) -> None:
    copier = begin(tokenizer, "q\nreturn ", "", (("lines", "self.total\n"), ("lines", "self.count\n")))
    assert found(copier) == (7, {"s": 2})
    begun = begin(tokenizer, "q\nreturn ", "", (("lines", "seven\n"), ("prediction", "total\n"), ("prediction", "x")))
    assert found(begun) == (7, {"s": 1}), "what the model wrote here before is no witness"


def test_only_the_last_tokens_of_a_long_line_are_compared(tokenizer: Tokenizer) -> None:
    assert found(begin(tokenizer, "some_very_long_name = ", "", (("lines", "1"),))) == (8, {"1": 1})


def test_no_sentinel_is_copied(tokenizer: Tokenizer) -> None:
    """Behind the suffix stands the sentinel of the prefix, and behind the prefix that of the middle."""
    copier = begin(tokenizer, "zz", "z")
    assert found(copier) == (1, {"z": 1})


def test_the_shares_are_those_of_the_places_and_the_weight_that_of_the_bucket(tokenizer: Tokenizer) -> None:
    copied = begin(tokenizer, "ab1 ab1 ab2 ab", "").copied()
    assert copied is not None
    assert (copied.tokens, copied.probabilities) == ((ord("1"), ord("2")), (1 / 2, 1 / 2))
    assert copied.weight == pytest.approx(0.35)
    assert not copied.line_ends


@pytest.mark.parametrize(
    ("others", "stands_alone", "weight"),
    [
        (LITTLE_TEXT_TOKENS - 17, True, 0.3),
        (LITTLE_TEXT_TOKENS - 16, True, 0.35),
        (LITTLE_TEXT_TOKENS - 17, False, 0.35),
    ],
)
def test_places_and_their_agreement_count_where_there_is_much_text_or_another_file(
    others: int, stands_alone: bool, weight: float, tokenizer: Tokenizer
) -> None:
    """Else only the suffix's length counts. Prompt and drafts count together, a text in both counts once."""
    prefix = "ab1 ab1 ab2 ab"  # 14 tokens, and the suffix has one
    drafts: tuple[tuple[DraftSource, str], ...] = (("document", prefix), ("document", ")" + "-" * others + "\n"))
    copied = begin(tokenizer, prefix, ")", drafts, stands_alone=stands_alone).copied()
    assert copied is not None
    assert copied.weight == pytest.approx(weight)


def test_a_line_end_is_copied_as_any_end_of_a_line_or_of_an_output(tokenizer: Tokenizer) -> None:
    copied = begin(tokenizer, "ab\nab\nab1 ab2ab", "").copied()
    assert copied is not None
    assert dict(zip(copied.tokens, copied.probabilities, strict=True)) == {ord("1"): 1 / 4, ord("2"): 1 / 4}
    assert (set(copied.line_ends), copied.line_end_share) == ({ord("\n"), tokenizer.sentinels.eos}, 1 / 2)
