"""The word that a prompt leaves out, and the tokens that may write it."""

import json
import math
import random
import string
import unicodedata
from pathlib import Path

import pytest
import torch

from inference.local_engine import BUILTIN_MODEL
from inference.models.begun_word import logit_addends
from inference.prompts.families import DEEPSEEK_V2
from inference.prompts.healing import MOST_CHARACTERS, PART_SHARE, UNUSUAL_PART_SHARE, Spellings, spelling_order
from inference.prompts.tokenizer import Tokenizer
from tests.inference.folders import byte_tokenizer
from tests.inference.prompts.test_tokenizer import AWKWARD, qwen_like_tokenizer, random_texts

TAILS = [
    "re",
    " re",
    "return",
    " return",
    " ",
    "\t",
    ".",
    "_",
    " qzxj",
    "日",
    "é",
    "(\u0301",
    "🙂",
    "self" * 8,
    "\t日本語日本語",
    "Z" * MOST_CHARACTERS,
]


@pytest.fixture(scope="module")
def builtin() -> Tokenizer:
    return Tokenizer(BUILTIN_MODEL, DEEPSEEK_V2)


@pytest.fixture(params=["builtin", "qwen-like"])
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path, builtin: Tokenizer) -> Tokenizer:
    return builtin if request.param == "builtin" else qwen_like_tokenizer(tmp_path)


def share_by_hand(tokenizer: Tokenizer, text: bytes, rest: bytes) -> float:
    """Return how much of its probability a token with this text counts where `rest` of a word has to be written."""
    if not text or not (text.startswith(rest) or rest.startswith(text)):
        return 0.0
    if text.startswith(rest):
        return 1.0
    vocabulary = (tokenizer.token_bytes(token) for token in range(tokenizer.vocab_size))
    words = sorted(word for word in vocabulary if word.startswith(rest[len(text) :]))
    tried = words[:: max(1, len(words) // 4)][:4]
    is_cut_there = [
        tokenizer.token_bytes(tokenizer.encode((text + word).decode(errors="replace"))[0]) == text for word in tried
    ]
    return PART_SHARE if not words or any(is_cut_there) else UNUSUAL_PART_SHARE


def test_allowed_tokens_are_those_of_a_search_through_all(tokenizer: Tokenizer) -> None:
    texts = [tokenizer.token_bytes(token) for token in range(tokenizer.vocab_size)]
    rng = random.Random(4)
    rests = [tail.encode() for tail in TAILS]
    rests += [rest[rng.randrange(len(rest)) :] for rest in rests]
    rests += [text[: rng.randint(1, len(text))] for text in rng.sample([text for text in texts if text], 200)]
    for rest in rests:
        wanted = {
            token: math.log(share)
            for token, text in enumerate(texts)
            if (share := share_by_hand(tokenizer, text, rest))
        }
        allowed = tokenizer.spellings.allowed(rest)
        assert dict(zip(allowed.tokens, allowed.log_shares, strict=True)) == pytest.approx(wanted), rest
        assert tokenizer.spellings.can_spell(rest)


def test_a_token_that_writes_a_part_of_the_word_needs_more_probability_the_most_where_no_text_is_cut_so() -> None:
    tokenizer = Tokenizer(BUILTIN_MODEL, DEEPSEEK_V2)

    def chosen(lead: float) -> str:
        allowed = tokenizer.spellings.allowed(b" ret")
        logits = torch.zeros(tokenizer.vocab_size)
        for text, logit in ((" return", 9.0), (part, 9.0 + lead)):
            logits[tokenizer.encode(text)] = logit
        weighed = logits + logit_addends(allowed, tokenizer.vocab_size)
        return tokenizer.decode([int(weighed.argmax())])

    part = " re"  # of a word that has no token of its own
    assert [chosen(lead) for lead in (-1, 1, 3)] == [" return", " return", part]
    part = " "
    assert [chosen(lead) for lead in (3, 8, 10)] == [" return", " return", part]


def test_a_vocabulary_without_a_byte_of_the_word_leaves_the_word_where_it_is(tmp_path: Path) -> None:
    vocabulary = [b"a", b"", b"ab"]
    spellings = Spellings(vocabulary, spelling_order(vocabulary), lambda text: [*text.encode()])
    assert spellings.can_spell(b"aa")
    assert not spellings.can_spell(b"ab")
    definition = byte_tokenizer()
    (tmp_path / "tokenizer.json").write_text(json.dumps(definition))
    assert Tokenizer(tmp_path, DEEPSEEK_V2).begun_word("quit") == "quit"
    del definition["model"]["vocab"]["q"]
    (tmp_path / "tokenizer.json").write_text(json.dumps(definition))
    assert Tokenizer(tmp_path, DEEPSEEK_V2).begun_word("quit") == ""


BEGUN = [
    # prefix, with newlines isolated and words of letters, with Qwen's words
    ("    re", " re", " re"),
    ("x = ", " ", " "),
    ("def f():\n    ", " ", " "),
    ("x = os.path.isf", "isf", ".isf"),
    ("x = foo_ba", "ba", "_ba"),
    ("x = foo2ba", "ba", "ba"),
    ("x = 12", "", ""),
    ("a\n", "", ""),
    ("a\r\n", "", ""),
    ("a\r", "", ""),
    ("", "", ""),
    ("\t\tre", "\tre", "\tre"),
    ("a\r\nre", "re", "re"),
    ("# 🙂re", "re", "re"),
    ("Z" * MOST_CHARACTERS, "Z" * MOST_CHARACTERS, "Z" * MOST_CHARACTERS),
    ("Z" * (MOST_CHARACTERS + 1), "", ""),
    ("re\nturn\n  @clas", "clas", "clas"),
]


@pytest.mark.parametrize(("prefix", "by_letters", "by_qwen"), BEGUN)
def test_a_begun_word_is_what_the_tokenizer_takes_for_one(
    prefix: str, by_letters: str, by_qwen: str, builtin: Tokenizer, tmp_path: Path
) -> None:
    assert builtin.begun_word(prefix) == by_letters
    assert qwen_like_tokenizer(tmp_path).begun_word(prefix) == by_qwen


def test_what_is_left_of_the_prompt_is_what_the_finished_text_begins_with(tokenizer: Tokenizer) -> None:
    source = Path(__file__).read_text(encoding="utf-8").replace("<|", "<")[:3000]
    # A normalizer that joins characters may join a letter with the mark behind it: no place to cut.
    for text in [source, *(unicodedata.normalize("NFC", text) for text in [*AWKWARD, *random_texts(6, 200)])]:
        for place in range(1, len(text)):
            prefix = text[:place]
            begun = tokenizer.begun_word(prefix)
            assert prefix.endswith(begun)
            takes_no_blank = not (text[place].isalpha() or text[place] in string.punctuation)
            if begun and not (begun.isspace() and takes_no_blank):
                start_of_line = text.rfind("\n", 0, place) + 1
                head, line = text[start_of_line : place - len(begun)], text[start_of_line:].split("\n")[0]
                kept = tokenizer.encode(head)
                assert tokenizer.encode(line)[: len(kept)] == kept, (head, line)
