"""The prompt leaves out a begun word, and the output is the best text that begins with that word."""

import json
import shutil
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
from inference.prompts.families import DEEPSEEK_V2
from inference.prompts.healing import MOST_CHARACTERS
from inference.prompts.prompt import TokenPrompt, read_tokens
from inference.prompts.text_stream import TextStream
from inference.prompts.tokenizer import Tokenizer
from tests.inference.folders import LITE, QWEN, config_of, random_weights
from tests.inference.prompts.test_spellings import TAILS, share_by_hand
from tests.inference.small_scheduler import CONTEXT_TOKENS, Restless, Running, edit, forget, start
from tests.inference.test_drafted_ends import NEWLINE, Scripted

TEXT = "# 日本🙂\r\nimport os\n\ndef f(path):\n    if os.path"
NEW_TOKENS = 6


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Random weights under the built-in model's vocabulary."""
    builtin = Tokenizer(BUILTIN_MODEL, DEEPSEEK_V2)
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
