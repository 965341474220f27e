"""Drafted decoding gives the tokens of plain greedy decoding, in fewer steps, and leaves the cache as that does."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.batch import Batch
from inference.draft import Draft
from inference.engine import EngineSettings
from inference.families import family_of
from inference.live_sequence import LiveSequence
from inference.loader import build_scheduler
from inference.radix_tree import Node
from inference.request import FinishReason, Request, Sampling, Update
from inference.scheduler import Model, Scheduler
from inference.text_stream import TextStream
from inference.tokenizer import Tokenizer
from tests.inference.folders import BYTE_TOKENS, CODER_V1, LARGE, LITE, QWEN, config_of, write_folder

MOE = LITE | {"moe_intermediate_size": 32}
MODELS: dict[str, tuple[dict[str, Any], str]] = {
    "lite": (LITE, "none"),
    "large": (LARGE, "none"),
    "coder_v1": (CODER_V1, "none"),
    "qwen": (QWEN, "none"),
    "lite_int8": (MOE, "int8"),
    "qwen_int8": (QWEN, "int8"),
}
PROMPT = tuple(random.Random(1).randrange(256) for _ in range(45))
NEW_TOKENS = 60
NEWLINE = ord("\n")


@dataclass
class Running:
    scheduler: Scheduler
    tokenizer: Tokenizer

    def start(self, request: Request) -> tuple[LiveSequence, list[Update]]:
        updates: list[Update] = []
        sequence = LiveSequence(request, updates.append, TextStream(self.tokenizer))
        self.scheduler.add(sequence)
        return sequence, updates

    def step(self) -> None:
        with torch.inference_mode():
            self.scheduler.step()
        self.scheduler.check_integrity()

    def run(self, *requests: Request) -> list["Done"]:
        started = [self.start(request) for request in requests]
        steps = 0
        while self.scheduler.live_count or self.scheduler.waiting_count:
            self.step()
            steps += 1
        return [Done(sequence, updates, steps) for sequence, updates in started]


@dataclass
class Done:
    sequence: LiveSequence
    updates: list[Update]
    steps: int

    @property
    def output(self) -> list[int]:
        return self.sequence.tokens[len(self.sequence.request.prompt_tokens) :]

    @property
    def reason(self) -> FinishReason | None:
        return self.updates[-1].finish_reason

    @property
    def text(self) -> str:
        return "".join(update.text for update in self.updates)

    def what_the_user_sees(self) -> tuple[list[int], str, FinishReason | None, float]:
        confidence = self.sequence.trace().confidence
        assert confidence is not None
        return self.output, self.text, self.reason, round(confidence, 4)


@pytest.fixture(params=MODELS)
def running(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A model that never ran anything, with a cache of 40 pages."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return start(tmp_path, *MODELS[request.param])


def start(tmp_path: Path, raw_config: dict[str, Any], quant: Any) -> Running:
    folder = write_folder(tmp_path / "model", raw_config)
    config = config_of(raw_config)
    tokenizer = Tokenizer(folder, family_of(raw_config["model_type"], folder))
    cache_bytes = 40 * 16 * config.num_hidden_layers * config.page_width * 4
    settings = EngineSettings(cache_bytes=cache_bytes, chunk_tokens=64, quant=quant)
    scheduler = build_scheduler(folder, config, tokenizer, 4096, settings)[0]
    scheduler._model = Restless(scheduler._model)
    return Running(scheduler, tokenizer)


class Restless:
    """A random model soon repeats one token. This one is pushed to others, at each position the same way."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._push = torch.randn(256, BYTE_TOKENS, generator=torch.Generator().manual_seed(3))

    def forward(self, batch: Batch, pages: torch.Tensor) -> torch.Tensor:
        logits = self._model.forward(batch, pages)
        logits[:, :BYTE_TOKENS] += self._push[batch.positions[batch.logit_rows]]
        return logits


def forget(running: Running) -> None:
    running.scheduler.pool.release(running.scheduler.tree.evict(1000))


def cached_tokens(scheduler: Scheduler) -> set[tuple[int, ...]]:
    """Every prefix that the tree holds to its end."""

    def walk(node: Node, before: tuple[int, ...]) -> set[tuple[int, ...]]:
        here = before + node.tokens
        return {here}.union(*(walk(child, here) for child in node.children.values()))

    return walk(scheduler.tree._root, ())


def adversarial(output: Sequence[int]) -> dict[str, tuple[int, ...]]:
    rng = random.Random(2)
    noise = [rng.randrange(256) for _ in range(300)]
    every_fifth_wrong = [token ^ 1 if index % 5 == 4 else token for index, token in enumerate(output)]
    return {
        "right": tuple(output),
        "right, and longer than the budget": (*output, *noise),
        "wrong": tuple(noise),
        "one token": (output[0],),
        "every fifth wrong": tuple(every_fifth_wrong),
        "a part missing": (*output[:20], *output[31:]),
        "a part too many": (*output[:20], *noise[:9], *output[20:]),
        "begins elsewhere": (*noise[:7], *output[5:]),
        "the same over and over": (output[0],) * 200,
        "the first half twice": (*output[:30], *output[:30], *output[30:]),
        "what ends an output in the middle": (*output[:10], 257, 259, *output[10:]),
        "the prompt": PROMPT,
    }


def test_any_draft_gives_the_plain_tokens_and_the_cache_of_plain_decoding(running: Running) -> None:
    plain = running.run(Request(PROMPT, NEW_TOKENS))[0]
    expected, cached = plain.what_the_user_sees(), cached_tokens(running.scheduler)
    memory = rows(running, plain)
    for name, draft in adversarial(plain.output).items():
        forget(running)
        running.scheduler._memory.fill_(torch.nan)  # whatever is read must have been written
        done = running.run(Request(PROMPT, NEW_TOKENS, draft_tokens=draft))[0]
        assert done.what_the_user_sees() == expected, name
        assert cached_tokens(running.scheduler) == cached, f"{name}: the tree has what plain decoding leaves"
        torch.testing.assert_close(rows(running, done), memory, rtol=1e-3, atol=1e-4)
        trace = done.sequence.trace()
        assert trace.accepted_tokens <= trace.drafted_tokens
        assert done.steps + trace.accepted_tokens == plain.steps, "each accepted token saves a step"


def rows(running: Running, done: Done) -> torch.Tensor:
    """The cache entries of what a request has computed, [layers, tokens, width], as the tree has them."""
    match = running.scheduler.tree.match(done.sequence.tokens[: done.sequence.computed])
    assert match.tokens == done.sequence.computed
    pages = [*match.pages, *([match.tail_page] if match.tail_page is not None else [])]
    return running.scheduler._memory[:, pages].flatten(1, 2)[:, : match.tokens].clone()


def test_a_good_draft_saves_most_steps_and_a_bad_one_costs_next_to_none(running: Running) -> None:
    plain = running.run(Request(PROMPT, NEW_TOKENS))[0]
    drafts = adversarial(plain.output)
    right = running.run(Request(PROMPT, NEW_TOKENS, draft_tokens=drafts["right"]))[0]
    assert right.steps <= 10
    assert right.sequence.trace().accepted_tokens >= NEW_TOKENS - 10
    for name in ("a part missing", "a part too many", "begins elsewhere"):
        found_again = running.run(Request(PROMPT, NEW_TOKENS, draft_tokens=drafts[name]))[0]
        assert found_again.steps <= 30, name
    wrong = running.run(Request(PROMPT, NEW_TOKENS, draft_tokens=drafts["wrong"]))[0]
    assert wrong.sequence.trace().drafted_tokens <= 12
    assert running.run(Request(PROMPT, NEW_TOKENS))[0].sequence.trace().drafted_tokens == 0


def test_drafted_and_undrafted_sequences_run_together_as_alone(running: Running) -> None:
    prompts = [PROMPT, PROMPT[:30], (*PROMPT, 5, 6, 7), PROMPT[5:], PROMPT[::-1]]
    alone = [running.run(Request(prompt, 40))[0] for prompt in prompts]
    forget(running)
    drafts = [(), alone[1].output, adversarial(alone[2].output)["every fifth wrong"], alone[0].output, ()]
    together = running.run(
        *(Request(prompt, 40, draft_tokens=tuple(draft)) for prompt, draft in zip(prompts, drafts, strict=True))
    )
    assert [done.what_the_user_sees() for done in together] == [done.what_the_user_sees() for done in alone]
    assert together[1].sequence.trace().accepted_tokens > 20


@pytest.mark.parametrize("after_steps", range(1, 7))
def test_a_cancel_in_the_middle_leaves_verified_tokens_only(running: Running, after_steps: int) -> None:
    plain = running.run(Request(PROMPT, NEW_TOKENS))[0]
    forget(running)
    draft = adversarial(plain.output)["every fifth wrong"]
    sequence, updates = running.start(Request(PROMPT, NEW_TOKENS, draft_tokens=draft))
    for _ in range(after_steps):
        running.step()
    sequence.cancelled = True
    running.step()
    assert updates[-1].finish_reason == "cancelled"
    whole = (*PROMPT, *plain.output)
    assert all(cached == whole[: len(cached)] for cached in cached_tokens(running.scheduler))
    again = running.run(Request(PROMPT, NEW_TOKENS))[0]
    assert again.output == plain.output
    assert again.sequence.trace().cached_tokens == len(PROMPT) - 1


class Scripted:
    """A model that writes what a script says at each position; its cache entries are the real model's."""

    def __init__(self, running: Running, script: Sequence[int]) -> None:
        self._forward = running.scheduler._model.forward
        self._script = script

    def forward(self, batch: Batch, pages: torch.Tensor) -> torch.Tensor:
        logits = self._forward(batch, pages)
        for row, position in enumerate(batch.positions[batch.logit_rows].tolist()):
            logits[row, self._script[position - len(PROMPT) + 1]] = 1e9
        return logits


@pytest.mark.parametrize("budget", [1, 2, 9, 40])
@pytest.mark.parametrize("ends_at", [0, 1, 5, 20])
@pytest.mark.parametrize("end", ["eos", "fim", "lines", "length"])
def test_an_output_ends_within_a_draft_where_it_ends_without(
    end: str, ends_at: int, budget: int, tmp_path: Path
) -> None:
    running = start(tmp_path, QWEN, "none")
    sentinels = running.tokenizer.sentinels
    assert sentinels.fim is not None
    ending = {"eos": sentinels.eos, "fim": sentinels.fim.begin, "lines": NEWLINE, "length": ord("x")}[end]
    letters = [ord("a") + index % 26 for index in range(60)]
    script = [*letters[:ends_at], ending, *letters[ends_at:]]
    running.scheduler._model = Scripted(running, script)
    plain = running.run(Request(PROMPT, budget, max_lines=1))[0]
    cached = cached_tokens(running.scheduler)
    forget(running)
    done = running.run(Request(PROMPT, budget, max_lines=1, draft_tokens=tuple(script)))[0]
    assert done.what_the_user_sees() == plain.what_the_user_sees() if plain.output else done.reason == plain.reason
    assert cached_tokens(running.scheduler) == cached


def test_a_receiver_that_fails_ends_its_request_within_a_draft(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    running.scheduler._model = Scripted(running, [ord("a")] * 60)

    def fail(_: Update) -> None:
        raise ValueError("the receiver is broken")

    request = Request(PROMPT, 40, draft_tokens=(ord("a"),) * 40)
    sequence = LiveSequence(request, fail, TextStream(running.tokenizer))
    running.scheduler.add(sequence)
    running.step()
    running.step()
    assert not running.scheduler.live_count
    assert sequence.output_tokens == 1


def test_a_sampled_output_takes_no_draft(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    request = Request(PROMPT, 30, sampling=Sampling(1.0, 0.95, 7))
    plain = running.run(request)[0]
    drafted = running.run(replace(request, draft_tokens=tuple(plain.output)))[0]
    assert drafted.output == plain.output
    assert drafted.sequence.trace().drafted_tokens == 0


def steps_and_drafted(draft: Sequence[int], output: Sequence[int]) -> tuple[int, int]:
    """What it costs to decode `output` with a draft: the model is a list."""
    follower, done, steps, drafted = Draft(draft), 0, 0, 0
    while done < len(output):
        proposed = follower.propose(min(16, len(output) - done - 1))
        steps += 1
        drafted += len(proposed)
        accepted = 0
        for token in [*proposed, -1]:
            actual = output[done]
            follower.push(actual)
            done += 1
            if actual != token:
                break
            accepted += 1
        if proposed:
            follower.learn(len(proposed), accepted)
    return steps, drafted


def lines_of_code(rng: random.Random, count: int) -> list[list[int]]:
    """Lines as tokens: much repeats, as in code."""
    return [
        [1, *(rng.choice([*range(2, 12), rng.randrange(1000)]) for _ in range(rng.randrange(3, 14)))]
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_an_edit_is_followed_through_inserted_deleted_and_changed_lines(seed: int) -> None:
    rng = random.Random(seed)
    lines = lines_of_code(rng, 60)
    edited = list(lines)
    edited[10:10] = lines_of_code(rng, 2)
    del edited[25:28]
    edited[40] = [*edited[40][:3], 5000, 5001, *edited[40][4:]]
    output = [token for line in edited for token in line]
    steps, _ = steps_and_drafted([token for line in lines for token in line], output)
    assert steps < len(output) / 4
    preamble, _ = steps_and_drafted([token for line in lines for token in line], [7000, 7001, 7002, *output])
    assert preamble <= steps + 9


@pytest.mark.parametrize("seed", range(5))
def test_a_name_that_changes_everywhere_costs_a_few_steps_each_time(seed: int) -> None:
    rng = random.Random(seed)
    tokens = [token for line in lines_of_code(rng, 60) for token in line]
    for index in range(5, len(tokens), 20):
        tokens[index] = 9000
    output = [part for token in tokens for part in ([9001, 9002] if token == 9000 else [token])]
    steps, _ = steps_and_drafted(tokens, output)
    assert steps < len(output) / 3


@pytest.mark.parametrize("seed", range(5))
def test_a_draft_that_looks_right_and_never_is_costs_little(seed: int) -> None:
    rng = random.Random(seed)
    output = [token for line in lines_of_code(rng, 100) for token in line]
    misleading = [token for index in range(0, len(output) - 6, 6) for token in [*output[index : index + 6], -2, -3]]
    unrelated = [token for line in lines_of_code(rng, 100) for token in line]
    for draft in (misleading, unrelated, [1] * 900):
        steps, drafted = steps_and_drafted(draft, output)
        saved = len(output) - steps
        assert drafted <= 3 * saved + len(output) / 8
