"""Decoding with a copy distribution gives what the mixture gives by definition: alone, batched, healed and drafted."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inference.api import Draft, Request, Sampling
from inference.copying.copier import Copied
from inference.copying.mixture import likeliest_of_mixture, mix
from inference.copying.weights import CopyWeights
from inference.drafting.drafter import ALL_SOURCES
from inference.prompts.prompt import TokenPrompt, read_tokens
from inference.sampler import Sampler
from tests.inference.copying.by_hand import WEIGHTS, continuations_by_hand, mixed_by_hand
from tests.inference.folders import LITE, QWEN
from tests.inference.prompts.test_healing import logits_after
from tests.inference.psm_prompts import psm
from tests.inference.small_scheduler import Restless, Running, edit, start

NEW_TOKENS = 24
NEWLINE = 10
LINES = ("return total\n", "return self.total()\n", "self.x = 1\n", "raise Fault\n")


@pytest.fixture(params=["lite", "qwen"])
def running(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = start(tmp_path, {"lite": LITE, "qwen": QWEN}[request.param], "none")
    found.copy_weights = WEIGHTS
    restless = found.scheduler._model
    assert isinstance(restless, Restless)
    found.scheduler._model = endless = Restless(restless._model, found.tokenizer.vocab_size)
    endless.push[:, sorted(found.tokenizer.sentinels.all)] = -1e9  # a random model would end with its first line
    return found


def ask(running: Running, seed: int, begun: str = "") -> Request:
    """Return a request at the beginning of a line, with a draft from a file and one from a line of the repository."""
    rng, encode = random.Random(seed), running.tokenizer.encode
    text = "".join(rng.choices(LINES, k=3))
    prompt = psm(running, encode(f"{text}re"), encode(rng.choice(LINES)))
    drafts = (Draft("document", tuple(encode(rng.choice(LINES) * 2))), Draft("lines", tuple(encode("turn seven\n"))))
    return Request(prompt, NEW_TOKENS, drafts=drafts, begins_with=begun, may_copy=True)


def texts_of(running: Running, request: Request) -> tuple[list[Sequence[int]], list[int]]:
    """Return the texts beside the growing one, which the psm prompt has before its hole, and that one."""
    fim, encode = running.tokenizer.sentinels.fim, running.tokenizer.encode
    assert fim is not None
    tokens = read_tokens(request.prompt)
    hole = tokens.index(fim.hole)
    document, lines = (draft.tokens for draft in request.drafts)
    return [document, [*encode("re"), *lines], tokens[hole + 1 : -1]], list(tokens[:hole])


def by_hand(running: Running, request: Request, count: int = NEW_TOKENS) -> tuple[list[int], float]:
    """Return the greedy output, and the geometric mean of its probabilities."""
    texts, growing = texts_of(running, request)
    bytes_of = running.tokenizer.token_bytes
    rest, output, logprobs = request.begins_with.encode(), list[int](), list[float]()
    while len(logprobs) < count:
        found = continuations_by_hand(texts, growing, running.tokenizer.sentinels.all)
        logits = logits_after(running, [*read_tokens(request.prompt), *output])
        mixed = mixed_by_hand(logits, found, WEIGHTS, (NEWLINE, *running.tokenizer.sentinels.ends))
        if rest:
            mixed[[token for token in range(len(mixed)) if not bytes_of(token) or bytes_of(token)[0] != rest[0]]] = 0
        token = int(mixed.argmax())
        if not rest:
            logprobs.append(math.log(mixed[token]))
        rest = rest[1:]
        output.append(token)
        growing.append(token)
    return output, math.exp(sum(logprobs) / len(logprobs))


def test_the_output_is_that_of_the_mixture_alone_batched_healed_and_drafted(running: Running) -> None:
    requests = [ask(running, 1), ask(running, 2), ask(running, 3, begun="tu")]
    expected = [by_hand(running, request) for request in requests]
    plain = [running.run(replace(request, may_copy=False))[0].output for request in requests]
    assert all(output != wanted for output, (wanted, _) in zip(plain, expected, strict=True))

    def check(requests: Sequence[Request], *, together: bool) -> int:
        done = running.run(*requests) if together else [running.run(request)[0] for request in requests]
        assert [found.output for found in done] == [output for output, _ in expected]
        for found, (_, confidence) in zip(done, expected, strict=True):
            assert found.sequence.trace().confidence == pytest.approx(confidence, rel=1e-4)
        return sum(found.sequence.accepted_tokens for found in done)

    running.drafting.sources = frozenset()
    assert check(requests, together=False) == 0
    check(requests, together=True)
    running.drafting.sources = ALL_SOURCES
    right = [replace(r, drafts=(*r.drafts, *edit(o[1:]))) for r, (o, _) in zip(requests, expected, strict=True)]
    assert check(right, together=False) > NEW_TOKENS
    wrong = [
        replace(r, drafts=(*r.drafts, *edit([*o[:5], *o[9:]]))) for r, (o, _) in zip(requests, expected, strict=True)
    ]
    check(wrong, together=True)


def test_a_request_whose_text_goes_on_goes_on_alike(running: Running) -> None:
    """The output so far, typed: the same tokens come next, from the cached pages of the first request."""
    request = ask(running, 4)
    output, _ = by_hand(running, request)
    assert running.run(request)[0].output == output
    fim = running.tokenizer.sentinels.fim
    assert fim is not None
    tokens = read_tokens(request.prompt)
    hole = tokens.index(fim.hole)
    typed = replace(request, prompt=TokenPrompt((*tokens[:hole], *output[:7], *tokens[hole:])), drafts=())
    wanted, _ = by_hand(running, replace(typed, drafts=(Draft("document", ()), Draft("lines", ()))), 10)
    assert running.run(replace(typed, max_new_tokens=10))[0].output == wanted


def test_the_model_says_whether_the_output_ends_with_a_line_that_ends() -> None:
    """Elsewhere a line end follows. The model thinks that the output ends there, or that it goes on."""
    copied = Copied((3,), (0.2,), 0.9, (NEWLINE, 11), 0.8)
    for wanted, other in ((11, NEWLINE), (NEWLINE, 11)):
        logits = torch.full((12,), -4.0)
        logits[5], logits[wanted], logits[other] = 4.0, 1.0, 0.0
        tokens, logprobs = Sampler(Sampling()).choose(mix(logits, copied)[None])
        token, logprob = int(tokens), float(logprobs)
        model = logits.softmax(-1)
        share = 0.72 * float(model[wanted] / (model[wanted] + model[other])) + 0.1 * float(model[wanted])
        assert token == wanted
        assert math.exp(logprob) == pytest.approx(share, rel=1e-4)


@pytest.mark.parametrize("seed", range(60))
def test_the_likeliest_token_of_the_mixture_is_the_models_or_a_copied_one(seed: int) -> None:
    """Also where several are the likeliest, and where what is copied cannot come by the model."""
    rng = random.Random(seed)
    logits = rng.choice((0.1, 2, 30)) * torch.randn(40, generator=torch.Generator().manual_seed(seed))
    equal = rng.sample(range(40), 3)
    logits[equal] = float(logits[equal[0]] if seed % 2 else logits.max())
    logits[rng.randrange(40)] = -math.inf
    token = int(logits.argmax())
    some = rng.sample(range(30), rng.randrange(0, 5))
    ends = (*range(35, 40), 31) if rng.random() < 0.7 or not some else ()
    shares = [rng.choice((1, 1, 5)) for _ in (*some, *ends[:1])]
    probabilities = [share / sum(shares) for share in shares]
    end_share = probabilities.pop() if ends else 0.0
    copied = Copied(tuple(some), tuple(probabilities), rng.choice((0.02, 0.5, 0.98)), ends, end_share)
    mixed = mix(logits, copied)
    found, logprob = likeliest_of_mixture(logits.numpy(), token, float(logits.log_softmax(-1)[token]), copied)
    assert mixed[found] == pytest.approx(float(mixed.max()), abs=1e-5)
    assert logprob == pytest.approx(float(mixed.max()), abs=1e-5)


def test_of_equal_tokens_of_the_mixture_the_first_is_taken() -> None:
    logits = torch.zeros(9)
    for some, wanted in (((7, 3), 3), ((5, 8, 6), 5)):
        copied = Copied(some, (1 / len(some),) * len(some), 0.5)
        assert (
            likeliest_of_mixture(logits.numpy(), 0, -math.log(9), copied)[0]
            == wanted
            == int(mix(logits, copied).argmax())
        )
    ends = Copied((), (), 0.5, (8, 4, 6), 1.0)
    assert likeliest_of_mixture(logits.numpy(), 0, -math.log(9), ends)[0] == 4 == int(mix(logits, ends).argmax())


def test_a_sampled_output_has_the_shares_of_the_mixture() -> None:
    logits = torch.randn(12, generator=torch.Generator().manual_seed(1))
    copied = Copied((3, 7), (0.75, 0.25), 0.6)
    sampler, counts = Sampler(Sampling(temperature=1.0)), torch.zeros(12)
    for _ in range(6000):
        counts[sampler.choose(mix(logits, copied)[None])[0]] += 1
    shares = mix(logits, copied).exp()
    assert float((counts / 6000 - shares).abs().max()) < 0.02
    assert float(shares[3]) == pytest.approx(0.4 * float(logits.softmax(-1)[3]) + 0.45, abs=1e-6)
    assert float(shares.sum()) == pytest.approx(1.0, abs=1e-5)


def test_a_model_without_weights_and_a_request_that_may_not_copy_are_untouched(running: Running) -> None:
    request = ask(running, 5)
    assert running.start(replace(request, may_copy=False))[0].copier is None
    running.copy_weights = None
    sequence, _ = running.start(request)
    assert sequence.copier is None
    logits = torch.randn(40)
    assert Sampler(Sampling()).choose(logits[None])[1] == logits.max() - logits.logsumexp(-1)


def test_a_bucket_without_weight_leaves_the_model_alone(running: Running) -> None:
    request = ask(running, 6)
    running.copy_weights = CopyWeights(dict.fromkeys(WEIGHTS.weights, 0.0))
    nothing = running.run(request)[0].what_the_user_sees()
    assert nothing == running.run(replace(request, may_copy=False))[0].what_the_user_sees()
