"""A step that has stopped goes on after what it made way for, and gives what an unbroken step gives."""

import random
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.api import Request, Update
from inference.live_sequence import LiveSequence
from inference.prompts.prompt import TokenPrompt
from inference.right_of_way import BACKGROUND_SHARE
from inference.scheduler import Scheduler
from kernels.cpu.library import native_library
from tests.inference.changed_pass import SlicedModel
from tests.inference.folders import LITE, QWEN
from tests.inference.small_scheduler import Running, start

CONFIGS = {"lite": LITE, "qwen": QWEN}
SUBLAYERS = 6
# Of a chunk without logits the native step leaves out what follows the keys and values of the last layer.
CHUNK_SUBLAYERS = SUBLAYERS - 2 if native_library().functions is not None else SUBLAYERS


def prompt(seed: int, length: int) -> TokenPrompt:
    rng = random.Random(seed)
    return TokenPrompt(tuple(rng.randrange(256) for _ in range(length)))


LONG, MIDDLE, SHORT = prompt(2, 200), prompt(4, 120), prompt(3, 20)
OTHERS = [prompt(seed, length) for seed, length in ((5, 9), (6, 70), (7, 1), (8, 33))]


def stop_each(running: Running, sublayers_at_once: int = 1, least_rows: int = 40) -> None:
    """Let each step of so many rows stop after so many sublayers, again and again."""
    running.scheduler._model = SlicedModel(running.scheduler._model, lambda: sublayers_at_once, least_rows)


def cached_rows(scheduler: Scheduler, tokens: tuple[int, ...]) -> Tensor:
    """Return what the pages of the radix tree hold of these tokens."""
    match = scheduler.tree.match(tokens)
    assert match.tokens == len(tokens)
    pages = [*match.pages, *([] if match.tail_page is None else [match.tail_page])]
    return scheduler._memory[:, pages].flatten(1, 2)[:, : len(tokens)]


@pytest.mark.parametrize("sublayers_at_once", [1, 4])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_stopped_request_gives_what_an_unbroken_one_gives(name: str, sublayers_at_once: int, tmp_path: Path) -> None:
    raw_config: dict[str, Any] = CONFIGS[name]
    request = Request(LONG, 12, background=True)
    unbroken = start(tmp_path / "unbroken", raw_config, "int8")
    expected = unbroken.run(request)[0].what_the_user_sees()
    running = start(tmp_path / "stopped", raw_config, "int8")
    stop_each(running, sublayers_at_once, least_rows=1)
    sequence, updates = running.start(request)
    others: list[tuple[LiveSequence, list[Update]]] = []
    while running.scheduler.live_count or running.scheduler.waiting_count:
        running.step()
        if OTHERS[len(others) :]:
            others.append(running.start(Request(OTHERS[len(others)], 3)))
    assert (sequence.tokens[LONG.num_tokens :], "".join(each.text for each in updates)) == expected[:2]
    assert sequence.trace().confidence == pytest.approx(expected[3], abs=1e-4)
    assert all(updates[-1].finish_reason == "length" for _, updates in others)
    stopped_rows, rows = (cached_rows(each.scheduler, LONG.tokens) for each in (running, unbroken))
    assert torch.equal(stopped_rows, rows)


def test_requests_of_the_foreground_run_to_their_end_while_a_step_of_the_background_is_stopped(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    stop_each(running)
    background, _ = running.start(Request(LONG, 10, background=True))
    running.step()
    running.scheduler._turns._owed_s = -1e9  # time is what the machine makes of it
    for seed in (1, 2):
        foreground, updates = running.start(Request(prompt(seed, 20), 4))
        for _ in range(4):
            running.step()
        assert updates[-1].finish_reason == "length"
        assert foreground.output_tokens == 4
        assert background.num_computed_tokens == 0
    for _ in range(SUBLAYERS):
        running.step()
    assert background.num_computed_tokens == 64


def test_a_stopped_step_has_its_share_beside_a_foreground_that_never_rests(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    stop_each(running)
    background, _ = running.start(Request(LONG, 1, background=True))
    running.step()
    foreground, _ = running.start(Request(SHORT, 200))
    running.scheduler._turns._owed_s = 1e9
    steps = 0
    while background.num_computed_tokens < 64:
        running.step()
        steps += 1
    assert steps == CHUNK_SUBLAYERS * BACKGROUND_SHARE  # a slice of one sublayer in each eighth step
    assert foreground.output_tokens == steps - CHUNK_SUBLAYERS


def test_a_background_that_has_worked_in_a_pause_takes_nothing_from_the_next_requests(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    stop_each(running)
    background, _ = running.start(Request(LONG, 1, background=True))
    running.step()
    running.scheduler._turns._owed_s = -1e9
    foreground, _ = running.start(Request(SHORT, 40))
    for _ in range(40):
        running.step()
    assert foreground.output_tokens == 40
    assert background.num_computed_tokens == 0


def test_a_stopped_step_that_is_cancelled_is_dropped_and_its_tokens_do_not_count(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    stop_each(running)
    background, updates = running.start(Request(LONG, 10, background=True))
    for _ in range(SUBLAYERS + 2):  # the first chunk is complete, the second has stopped
        running.step()
    background.cancelled = True
    running.step()
    trace = updates[-1].trace
    assert updates[-1].finish_reason == "cancelled"
    assert trace is not None
    assert trace.prefilled_tokens == 64
    assert not running.scheduler.live_count
    assert running.run(Request(LONG, 1))[0].sequence.cached_tokens == 64


def test_a_cancelled_request_whose_stopped_step_others_share_keeps_its_pages_until_that_is_complete(
    tmp_path: Path,
) -> None:
    running = start(tmp_path, QWEN, "none")
    one, _ = running.start(Request(SHORT, 30, background=True))
    running.step()
    stop_each(running)
    two, updates = running.start(Request(LONG, 10, background=True))
    running.step()  # the token of the one and a chunk of the other
    one.cancelled = True
    running.start(Request(MIDDLE, 1))
    free = running.scheduler.pool.free_count
    for _ in range(2):
        running.step()
        assert one in running.scheduler._running
        assert running.scheduler.pool.free_count <= free
    while one in running.scheduler._running:
        running.step()
    assert two.num_computed_tokens == 64
    while running.scheduler.live_count:
        running.step()
    assert updates[-1].finish_reason == "length"


def test_a_long_prompt_makes_way_for_a_shorter_one_and_goes_on_beside_its_decoding(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    stop_each(running)
    long, long_updates = running.start(Request(LONG, 5))
    running.step()
    short, updates = running.start(Request(SHORT, 40))
    running.step()
    assert short.output_tokens == 1
    assert long.num_computed_tokens == 0
    before, steps = short.output_tokens, 2 * CHUNK_SUBLAYERS
    for _ in range(steps):
        running.step()
    assert long.num_computed_tokens >= 64
    assert steps // 2 - 1 <= short.output_tokens - before <= steps // 2 + 1
    while running.scheduler.live_count:
        running.step()
    assert updates[-1].finish_reason == long_updates[-1].finish_reason == "length"


def test_a_prompt_that_has_stopped_goes_on_beside_decoding_in_slices_of_an_eighth(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    sublayers = chain([1], repeat(SUBLAYERS + 1))  # it stops once by itself
    running.scheduler._model = SlicedModel(running.scheduler._model, lambda: next(sublayers), least_rows=40)
    long, _ = running.start(Request(LONG, 5))
    running.step()
    running.start(Request(SHORT, 40))
    for _ in range(2 * (CHUNK_SUBLAYERS - 1)):
        running.step()
        assert long.num_computed_tokens == 0
    for _ in range(4):
        running.step()
    assert long.num_computed_tokens >= 64


def test_a_prompt_does_not_make_way_for_one_that_is_longer(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    stop_each(running)
    middle, updates = running.start(Request(MIDDLE, 1))
    running.step()
    long, _ = running.start(Request(LONG, 1))
    while middle.num_computed_tokens == 0:
        assert not running.scheduler._turns.holds(long)  # nothing of it has begun
        running.step()
    while updates == []:
        running.step()
    assert middle.num_computed_tokens == MIDDLE.num_tokens
    assert long.num_computed_tokens <= 64 - MIDDLE.num_tokens % 64  # it fills the last chunk


def test_several_prompts_may_have_stopped_for_ever_shorter_ones(tmp_path: Path) -> None:
    running = start(tmp_path, QWEN, "none")
    stop_each(running)
    lengths = (200, 150, 110, 70)
    started = []
    for length in lengths:
        started.append(running.start(Request(prompt(length, length), 1)))
        running.step()
    ends: list[int] = []
    while running.scheduler.live_count:
        running.step()
        ends += [
            sequence.request.prompt.num_tokens
            for sequence, updates in started
            if updates and sequence.request.prompt.num_tokens not in ends
        ]
    assert ends == sorted(lengths)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_storm_of_requests_cancels_and_stops_leaves_every_page_with_one_owner(name: str, tmp_path: Path) -> None:
    running = start(tmp_path, CONFIGS[name], "int8")
    rng = random.Random(1)
    running.scheduler._model = SlicedModel(running.scheduler._model, lambda: rng.randint(1, 2 * SUBLAYERS))
    started = []
    for _ in range(250):
        length = rng.choice([1, 10, 60, 200])
        request = Request(prompt(rng.randrange(8), length), rng.randint(1, 6), background=rng.random() < 0.5)
        started.append(running.start(request))
        for _ in range(rng.randrange(6)):
            if rng.random() < 0.3:
                rng.choice(started)[0].cancelled = True
            running.step()  # checks the pages
    while running.scheduler.live_count or running.scheduler.waiting_count:
        running.step()
    assert all(updates[-1].finish_reason in ("length", "cancelled") for _, updates in started)
    assert len({updates[-1].finish_reason for _, updates in started}) == 2
