"""A suffix is moved from an earlier request: a key computes few tokens, and nothing else of the engine changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import inference.loader
import inference.moved_suffix
from inference.api import Request
from inference.moved_suffix import FRESH_TOKENS, MOST_AGE_TOKENS
from inference.prompts.prompt import TokenPrompt
from kernels.cpu.library import native_library
from midspan import MidspanError
from tests.inference.folders import CODER_V1, LARGE, LITE, QWEN
from tests.inference.psm_prompts import forget_all, output_by_hand, psm, random_text
from tests.inference.small_scheduler import Done, Running, cached_tokens, edit, start

MOE = LITE | {"moe_intermediate_size": 32}
MODELS: dict[str, tuple[dict[str, Any], str]] = {
    "lite": (LITE, "none"),
    "large": (LARGE, "none"),
    "coder_v1": (CODER_V1, "none"),
    "qwen": (QWEN, "none"),
    "lite_int8": (MOE, "int8"),
    "qwen_int8": (QWEN, "int8"),
}
PREFIX, SUFFIX, TYPED = random_text(1, 50), random_text(2, 100), random_text(3, 40)
MOST_COMPUTED = 10
NEW_TOKENS = 20


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that keeps what a first load finds out, for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(params=[*MODELS, "lite, torch", "qwen, torch", "qwen, int8 pages"])
def running(request: pytest.FixtureRequest, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    name, _, way = request.param.partition(", ")
    if way == "torch":
        monkeypatch.setattr(inference.loader, "_native_functions", lambda dtype: None)
    elif way and native_library().functions is None:
        pytest.skip("the native library is not built")
    running = start(tmp_path, *MODELS[name], cache_dtype="int8" if way == "int8 pages" else "auto")
    forget_all(running)
    return running


@pytest.fixture
def qwen(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    running = start(tmp_path, QWEN, "none")
    forget_all(running)
    return running


def ask(running: Running, prefix: Sequence[int], suffix: Sequence[int] = SUFFIX, **options: Any) -> Done:
    """Run a request that may move its suffix."""
    request = Request(psm(running, prefix, suffix), NEW_TOKENS, **{"may_move_suffix": True, **options})
    return running.run(request)[0]


def ask_exactly(running: Running, prefix: Sequence[int], suffix: Sequence[int] = SUFFIX, **options: Any) -> Done:
    return ask(running, prefix, suffix, may_move_suffix=False, **options)


def test_a_key_computes_few_tokens_whatever_the_length_of_the_suffix(running: Running) -> None:
    first = ask(running, PREFIX).sequence.trace()
    assert (first.moved_tokens, first.moved_age_tokens) == (0, 0)
    assert first.prefilled_tokens == first.prompt_tokens > MOST_COMPUTED
    for typed in range(1, len(TYPED), 3):
        trace = ask(running, (*PREFIX, *TYPED[:typed])).sequence.trace()
        assert trace.prefilled_tokens <= MOST_COMPUTED
        assert trace.moved_tokens == len(SUFFIX) - FRESH_TOKENS
        assert trace.cached_tokens + trace.prefilled_tokens + trace.moved_tokens == trace.prompt_tokens
        assert trace.moved_age_tokens == typed


def test_all_is_computed_in_one_step_beside_the_first_token(running: Running) -> None:
    ask(running, PREFIX)
    done = ask(running, (*PREFIX, *TYPED[:3]))
    assert done.steps == len(done.output)


@pytest.mark.parametrize(
    "prefix",
    [(*PREFIX, *TYPED[:2]), (*PREFIX, *TYPED), PREFIX[:-1], PREFIX[:-20], (*PREFIX[:-3], *TYPED[:3])],
    ids=["typed", "typed more", "one taken back", "many taken back", "others"],
)
def test_the_output_is_that_of_the_same_rows_moved_by_hand(running: Running, prefix: Sequence[int]) -> None:
    old, new = psm(running, PREFIX, SUFFIX), psm(running, prefix, SUFFIX)
    expected = output_by_hand(running, old, new, len(SUFFIX), NEW_TOKENS)
    ask(running, PREFIX)
    done = ask(running, prefix)
    assert done.sequence.trace().moved_tokens == len(SUFFIX) - FRESH_TOKENS
    assert done.output == expected[: len(done.output)]
    assert len(done.output) == NEW_TOKENS or done.reason != "length"


def test_an_exact_request_after_a_moved_one_gives_the_tokens_of_one_plain_prefill(running: Running) -> None:
    prefix = (*PREFIX, *TYPED)
    plain = ask_exactly(running, prefix)
    forget_all(running)
    ask(running, PREFIX)
    moved = ask(running, prefix)
    assert moved.sequence.trace().moved_tokens
    exact = ask_exactly(running, prefix)
    assert exact.what_the_user_sees() == plain.what_the_user_sees()
    assert exact.sequence.trace().moved_tokens == 0
    # Only what no moved row stands before is in the tree: the prefix, the sentinel, and the head of the suffix.
    assert exact.sequence.trace().cached_tokens == moved.sequence.moved.start


def test_an_exact_suffix_becomes_the_source_of_the_next(running: Running) -> None:
    ask(running, PREFIX)
    typed = (*PREFIX, *TYPED[:10])
    assert ask(running, typed).sequence.trace().moved_age_tokens == 10
    background = ask_exactly(running, typed, background=True)
    assert background.sequence.trace().prefilled_tokens == len(SUFFIX) - FRESH_TOKENS + 1
    assert ask(running, typed).sequence.trace().moved_tokens == 0
    assert ask(running, (*PREFIX, *TYPED[:12])).sequence.trace().moved_age_tokens == 2


def test_drafts_and_begun_words_give_what_they_give_without(running: Running) -> None:
    ask(running, PREFIX)
    prefix = (*PREFIX, *TYPED[:5])
    plain = ask(running, prefix)
    drafted = ask(running, prefix, drafts=edit(plain.output))
    assert drafted.what_the_user_sees() == plain.what_the_user_sees()
    assert drafted.sequence.trace().accepted_tokens > 0
    word = "ab"
    healed = ask(running, prefix, begins_with=word)
    assert healed.output[:2] == [ord(letter) for letter in word]
    again = ask(running, prefix, begins_with=word, drafts=edit(plain.output))
    assert again.what_the_user_sees() == healed.what_the_user_sees()


@pytest.mark.parametrize("after_steps", range(5))
def test_a_cancel_in_any_phase_leaks_nothing_and_keeps_what_is_exact(running: Running, after_steps: int) -> None:
    """The prefix is longer than a chunk: two steps read it, the third reads around the moved rows, then it decodes."""
    ask(running, PREFIX)
    prefix = (*PREFIX[:40], *random_text(5, 80))  # of codes, a text without near ties: chunks differ in the last bits
    sequence, updates = running.start(Request(psm(running, prefix, SUFFIX), NEW_TOKENS, may_move_suffix=True))
    for _ in range(after_steps):
        running.step()
    sequence.cancelled = True
    running.step()
    assert updates[-1].finish_reason == "cancelled"
    trace = updates[-1].trace
    assert trace is not None
    assert trace.moved_tokens == (96 if after_steps >= 2 else 0)
    assert running.scheduler.live_count == 0
    whole = psm(running, prefix, SUFFIX).tokens
    cached = running.scheduler.tree.match(whole).tokens
    assert cached == sequence.exact_tokens or not after_steps
    assert cached <= len(whole) - 1 - len(SUFFIX) + FRESH_TOKENS
    exact = ask_exactly(running, prefix)
    forget_all(running)
    assert exact.what_the_user_sees() == ask_exactly(running, prefix).what_the_user_sees()


def test_where_the_source_was_evicted_all_is_computed(running: Running) -> None:
    prefix = (*PREFIX, *TYPED[:3])
    plain = ask_exactly(running, prefix)
    forget_all(running)
    ask(running, PREFIX)
    forget_all(running)
    done = ask(running, prefix)
    assert done.sequence.trace().moved_tokens == 0
    assert done.what_the_user_sees() == plain.what_the_user_sees()


def test_of_a_source_whose_end_was_evicted_the_rest_is_moved(running: Running) -> None:
    ask(running, PREFIX)
    scheduler = running.scheduler
    whole = psm(running, PREFIX, SUFFIX).tokens
    scheduler.pool.release(scheduler.tree.evict(1 + scheduler.tree.cached_pages - len(whole) // 16))
    kept = scheduler.tree.match(whole).tokens
    assert len(whole) - len(SUFFIX) < kept < len(whole) - 1
    trace = ask(running, (*PREFIX, *TYPED[:3])).sequence.trace()
    assert trace.moved_tokens == len(SUFFIX) - FRESH_TOKENS - (len(whole) - 1 - kept)
    assert trace.prefilled_tokens == 3 + 1 + FRESH_TOKENS + (len(whole) - 1 - kept) + 1


def test_a_request_that_needs_the_pages_of_its_source_runs_exactly(running: Running) -> None:
    """Another request has all pages but 16. Those of the source are the only ones to evict."""
    prefix = (*PREFIX[:40], *TYPED[:3])
    plain = ask_exactly(running, prefix)
    forget_all(running)
    ask(running, PREFIX)
    other, _ = running.start(Request(TokenPrompt(random_text(9, 16)), 16 * (running.scheduler.pool.total_pages - 17)))
    running.step()
    sequence, _ = running.start(Request(psm(running, prefix, SUFFIX), NEW_TOKENS, may_move_suffix=True))
    while sequence.output_tokens < NEW_TOKENS:
        running.step()
    assert sequence.trace().moved_tokens == 0
    assert sequence.tokens[len(sequence.prompt_tokens) :] == plain.output
    other.cancelled = True
    running.step()


def test_one_request_for_a_key_takes_no_moved_suffix_and_a_chat_has_none(qwen: Running) -> None:
    ask(qwen, PREFIX)
    assert ask_exactly(qwen, (*PREFIX, 7)).sequence.trace().moved_tokens == 0
    fim = qwen.tokenizer.sentinels.fim
    assert fim is not None
    spm = (fim.hole, *SUFFIX, fim.begin, *PREFIX, fim.end)
    for prompt in (spm, (*spm[:-1], 9, fim.end), SUFFIX, (*SUFFIX, 9)):
        done = qwen.run(Request(TokenPrompt(tuple(prompt)), 2, may_move_suffix=True))[0]
        assert done.sequence.trace().moved_tokens == 0


@pytest.mark.parametrize(
    ("suffix", "computed"),
    [
        ((9, *SUFFIX), 1),
        (SUFFIX[1:], 0),
        ((8, 9, *SUFFIX[3:]), 2),
        ((*SUFFIX, 1, 2), 2),
        ((9, *SUFFIX[:-5]), 1),
    ],
    ids=["a closing bracket", "one deleted", "a word for another", "longer", "a bracket, and shorter"],
)
def test_of_a_suffix_that_has_changed_at_an_end_the_rest_is_moved(
    qwen: Running, suffix: tuple[int, ...], computed: int
) -> None:
    ask(qwen, PREFIX)
    trace = ask(qwen, (*PREFIX, 7), suffix).sequence.trace()
    assert trace.moved_tokens == len(suffix) - FRESH_TOKENS - computed
    assert trace.prefilled_tokens == 1 + 1 + FRESH_TOKENS + computed + 1


def test_another_suffix_and_one_that_is_too_old_are_computed(qwen: Running) -> None:
    ask(qwen, PREFIX)
    assert ask(qwen, (*PREFIX, 7), SUFFIX[::-1]).sequence.trace().moved_tokens == 0
    age = ask(qwen, TYPED).sequence.trace()
    assert age.moved_age_tokens == len(PREFIX) + len(TYPED) < MOST_AGE_TOKENS


def test_the_youngest_of_several_sources_is_taken(qwen: Running) -> None:
    for typed in (10, 0, 4):
        ask_exactly(qwen, (*PREFIX, *TYPED[:typed]))
    assert ask(qwen, (*PREFIX, *TYPED[:6])).sequence.trace().moved_age_tokens == 2
    assert ask(qwen, (*PREFIX, *TYPED[:1])).sequence.trace().moved_age_tokens == 1
    assert ask(qwen, PREFIX[:-1]).sequence.trace().moved_age_tokens == 1


def test_sampled_and_drafted_requests_run_beside_moved_ones(running: Running) -> None:
    prefixes = [(*PREFIX, *TYPED[:count]) for count in (3, 5, 8)]
    ask(running, PREFIX)
    alone = [ask(running, prefix) for prefix in prefixes]
    requests = [Request(psm(running, prefix, SUFFIX), NEW_TOKENS, may_move_suffix=True) for prefix in prefixes]
    requests[1] = replace(requests[1], drafts=edit(alone[1].output))
    together = running.run(*requests)
    assert [done.what_the_user_sees() for done in together] == [done.what_the_user_sees() for done in alone]
    assert all(done.sequence.trace().moved_tokens for done in together)
    assert not any(set(tokens) & {-1} for tokens in cached_tokens(running.scheduler))


def test_a_key_between_two_slices_of_the_background_gives_what_it_gives_alone(running: Running) -> None:
    """The exact suffix is being computed, and its step has stopped within a layer."""
    ask(running, PREFIX)
    typed, key = (*PREFIX, *TYPED[:10]), (*PREFIX, *TYPED[:12])
    alone = ask(running, key)
    background, _ = running.start(Request(psm(running, typed, SUFFIX), 1, background=True))
    with torch.inference_mode():
        running.scheduler.step(slice_s=0.0)
    assert running.scheduler.live_count == 1
    assert background.num_computed_tokens == background.cached_tokens
    sequence, _ = running.start(Request(psm(running, key, SUFFIX), NEW_TOKENS, may_move_suffix=True))
    while sequence.output_tokens < len(alone.output):
        running.step()
    assert sequence.tokens[len(sequence.prompt_tokens) :] == alone.output
    assert sequence.trace().moved_age_tokens == 12
    while running.scheduler.live_count:
        running.step()
    assert ask(running, key).sequence.trace().moved_age_tokens == 2


def test_a_fault_while_rows_are_moved_keeps_no_page(qwen: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(qwen, PREFIX)
    free = qwen.scheduler.pool.free_count + qwen.scheduler.tree.evictable_pages

    def fail(*_: object) -> None:
        raise RuntimeError("not enough memory")

    monkeypatch.setattr(inference.moved_suffix, "move_rows", fail)  # a fault is injected
    with pytest.raises(RuntimeError, match="not enough memory"):
        ask(qwen, (*PREFIX, *TYPED))
    qwen.scheduler.fail_all(MidspanError("the engine failed"))
    qwen.scheduler.check_integrity()
    assert qwen.scheduler.pool.free_count + qwen.scheduler.tree.evictable_pages == free
