"""The prompt leaves out a begun word, and the output is the best text that begins with that word."""

import json
import math
import random
import shutil
import string
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from inference.api import EngineSettings, Request, Sampling, Update
from inference.cache.page_pool import PAGE_TOKENS
from inference.live_sequence import LiveSequence
from inference.loader import build_scheduler
from inference.local_engine import BUILTIN_MODEL
from inference.models.batch import Work, pack_batch
from inference.models.begun_word import logit_addends
from inference.prompts.families import DEEPSEEK_V2
from inference.prompts.healing import MOST_CHARACTERS, PART_SHARE, UNUSUAL_PART_SHARE, Spellings, spelling_order
from inference.prompts.prompt import TokenPrompt, read_tokens
from inference.prompts.text_stream import TextStream
from inference.prompts.tokenizer import Tokenizer
from tests.inference.folders import LITE, QWEN, byte_tokenizer, config_of, random_weights
from tests.inference.prompts.test_tokenizer import AWKWARD, qwen_like_tokenizer, random_texts
from tests.inference.small_scheduler import CONTEXT_TOKENS, Restless, Running, edit, forget, start
from tests.inference.test_drafted_ends import NEWLINE, Scripted

TEXT = "# 日本🙂\r\nimport os\n\ndef f(path):\n    if os.path"
NEW_TOKENS = 6
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


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, builtin: Tokenizer) -> Running:
    """Random weights under the built-in model's vocabulary."""
    vocabulary = builtin.vocab_size
    raw_config = LITE | {"vocab_size": vocabulary}
    folder = tmp_path_factory.mktemp("model")
    shutil.copy(builtin.path, folder)
    (folder / "config.json").write_text(json.dumps(raw_config))
    save_file(random_weights(raw_config, seed=5), folder / "model.safetensors")
    settings = EngineSettings(cache_bytes=2_000_000, chunk_tokens=64, quant="none")
    scheduler = build_scheduler(folder, config_of(raw_config), builtin, CONTEXT_TOKENS, settings)[0]
    scheduler._model = restless = Restless(scheduler._model, vocabulary)
    restless.push[:, sorted(builtin.sentinels.all)] = -1e9  # a random model would end at any moment
    return Running(scheduler, builtin)


@pytest.fixture
def running(loaded: Running) -> Running:
    """The model with an empty cache."""
    forget(loaded)
    return loaded


def ask(running: Running, tail: str, text: str = TEXT) -> Request:
    return Request(TokenPrompt(tuple(running.tokenizer.encode(text))), NEW_TOKENS, begins_with=tail)


@dataclass(frozen=True)
class Expected:
    output: list[int]
    text: str
    confidence: float


def by_brute_force(running: Running, request: Request) -> Expected:
    """Prefill everything again for each token, and look at the whole vocabulary."""
    tokenizer = running.tokenizer
    texts = [tokenizer.token_bytes(token) for token in range(tokenizer.vocab_size)]
    rest = request.begins_with.encode()
    output: list[int] = []
    logprobs: list[float] = []
    while len(logprobs) < request.max_new_tokens:
        logits = logits_after(running, [*read_tokens(request.prompt), *output])
        if rest:
            shares = [share_by_hand(tokenizer, text, rest) for text in texts]
            logits = logits + torch.tensor(shares).log()
        token = int(logits.argmax())
        output.append(token)
        if len(texts[token]) > len(rest):
            logprobs.append(float(logits.log_softmax(-1)[token]))
        rest = rest[len(texts[token]) :]
    written = b"".join(texts[token] for token in output).decode(errors="replace")
    assert written.startswith(request.begins_with)
    mean = sum(logprobs) / len(logprobs)
    return Expected(output, written.removeprefix(request.begins_with), round(float(torch.tensor(mean).exp()), 4))


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


def logits_after(running: Running, tokens: list[int]) -> torch.Tensor:
    scheduler = running.scheduler
    pages = range(-(-len(tokens) // PAGE_TOKENS))
    memory = torch.empty_like(scheduler._memory)
    with torch.inference_mode():
        batch = pack_batch([Work(tokens, 0, pages, logit_tokens=1)], scheduler.device)
        return scheduler._model.forward(batch, memory)[0, : running.tokenizer.vocab_size]


def test_the_output_is_the_best_that_begins_with_the_word_alone_cached_batched_and_drafted(running: Running) -> None:
    requests = [ask(running, tail) for tail in TAILS]
    expected = [by_brute_force(running, request) for request in requests]
    assert len({tuple(found.output) for found in expected}) == len(TAILS)

    def check(done: list[tuple[list[int], str, object, float]]) -> None:
        assert done == [(found.output, found.text, "length", found.confidence) for found in expected]

    for _ in ("alone", "cached"):
        check([running.run(request)[0].what_the_user_sees() for request in requests])
    forget(running)
    check([done.what_the_user_sees() for done in running.run(*requests)])
    drafts = [tuple(running.tokenizer.encode(found.text)) for found in expected]
    drafted = [replace(request, drafts=edit(draft)) for request, draft in zip(requests, drafts, strict=True)]
    check([running.run(request)[0].what_the_user_sees() for request in drafted])


@pytest.mark.parametrize("tail", TAILS)
def test_a_sampled_output_begins_with_the_word_and_hands_out_what_follows(tail: str, running: Running) -> None:
    for seed in range(3):
        done = running.run(replace(ask(running, tail), sampling=Sampling(1.5, 0.95, seed)))[0]
        written = b"".join(map(running.tokenizer.token_bytes, done.output))
        assert written.startswith(tail.encode())
        assert done.text == written[len(tail.encode()) :].decode(errors="replace")
        assert done.sequence.written_tokens == NEW_TOKENS


def test_a_word_of_many_tokens_is_drafted_too(running: Running) -> None:
    """Each of its tokens is one of those that the rest of the word allows, whatever was drafted."""
    request = ask(running, "Z" * MOST_CHARACTERS)
    expected = by_brute_force(running, request)
    for text in ("return 1", "Z" * MOST_CHARACTERS + expected.text):
        done = running.run(replace(request, drafts=edit(tuple(running.tokenizer.encode(text)))))[0]
        assert done.what_the_user_sees() == (expected.output, expected.text, "length", expected.confidence)
        assert done.sequence.begun_tokens > 1
        assert done.sequence.trace().accepted_tokens > 1


def test_beside_a_healed_output_others_are_what_they_are_alone(running: Running) -> None:
    plain = ask(running, "")
    alone = running.run(plain)[0].what_the_user_sees()
    forget(running)
    assert running.run(ask(running, " re"), plain, ask(running, "Z" * 32))[1].what_the_user_sees() == alone


def test_a_word_taken_back_never_makes_a_request_too_long_for_the_context(running: Running) -> None:
    request = ask(running, "Z" * MOST_CHARACTERS)
    most = request.prompt.num_tokens + request.max_new_tokens
    updates: list[Update] = []
    stream = TextStream(running.tokenizer, request.begins_with)
    sequence = LiveSequence(request, updates.append, stream, context_tokens=most)
    running.scheduler.add(sequence)
    while running.scheduler.live_count or running.scheduler.waiting_count:
        running.step()
    assert len(sequence.tokens) == most
    assert updates[-1].finish_reason == "length"


@pytest.mark.parametrize("end", ["eos", "fim", "lines"])
def test_an_output_ends_after_the_word_and_not_within_it(end: str, tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    sentinels = running.tokenizer.sentinels
    assert sentinels.fim is not None
    ending = {"eos": sentinels.eos, "fim": sentinels.fim.begin, "lines": NEWLINE}[end]
    running.scheduler._model = Scripted(running, [ending] * 20)
    request = replace(ask(running, "", "x" * 45), max_lines=1)
    for word in ("", "word"):
        done = running.run(replace(request, begins_with=word))[0]
        assert (done.text, done.reason) == ("", end)
        assert running.tokenizer.decode(done.output).rstrip("\n") == word


def test_no_half_character_is_handed_out_behind_the_word(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    script = list("é日本".encode())
    running.scheduler._model = Scripted(running, [*script, *script])
    request = replace(ask(running, "é", "x" * 45), max_new_tokens=6)
    done = running.run(request)[0]
    assert [update.text for update in done.updates if update.text] == ["日", "本"]
    assert done.reason == "length"


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
