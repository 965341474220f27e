"""Drafted decoding gives the tokens of plain greedy decoding, in fewer steps, and leaves the cache as that does."""

from pathlib import Path
from typing import Any

import pytest
import torch

from inference.api import Draft, DraftSource, Request
from inference.prompts.prompt import TokenPrompt
from tests.inference.folders import CODER_V1, LARGE, LITE, QWEN
from tests.inference.small_scheduler import (
    NEW_TOKENS,
    PROMPT,
    PROMPT_TOKENS,
    Done,
    Running,
    adversarial,
    cached_tokens,
    edit,
    forget,
    start,
)
from tests.inference.test_drafted_ends import Scripted

MOE = LITE | {"moe_intermediate_size": 32}
MODELS: dict[str, tuple[dict[str, Any], str]] = {
    "lite": (LITE, "none"),
    "large": (LARGE, "none"),
    "coder_v1": (CODER_V1, "none"),
    "qwen": (QWEN, "none"),
    "lite_int8": (MOE, "int8"),
    "qwen_int8": (QWEN, "int8"),
}


@pytest.fixture(params=MODELS)
def running(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A model that never ran anything, with a cache of 40 pages."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return start(tmp_path, *MODELS[request.param])


def test_any_draft_gives_the_plain_tokens_and_the_cache_of_plain_decoding(running: Running) -> None:
    plain = running.run(Request(PROMPT, NEW_TOKENS))[0]
    expected, cached = plain.what_the_user_sees(), cached_tokens(running.scheduler)
    memory = rows(running, plain)
    for name, draft in adversarial(plain.output).items():
        forget(running)
        running.scheduler._memory.fill_(torch.nan)  # whatever is read must have been written
        done = running.run(Request(PROMPT, NEW_TOKENS, drafts=edit(draft)))[0]
        assert done.what_the_user_sees() == expected, name
        assert cached_tokens(running.scheduler) == cached, f"{name}: the tree has what plain decoding leaves"
        torch.testing.assert_close(rows(running, done), memory, rtol=1e-3, atol=1e-4)
        trace = done.sequence.trace()
        assert trace.accepted_tokens <= trace.drafted_tokens
        assert done.steps + trace.accepted_tokens == plain.steps, "each accepted token saves a step"


def rows(running: Running, done: Done) -> torch.Tensor:
    """Return the tree's cache entries of the tokens that a request has computed, [layers, tokens, width]."""
    match = running.scheduler.tree.match(done.sequence.tokens[: done.sequence.num_computed_tokens])
    assert match.tokens == done.sequence.num_computed_tokens
    pages = [*match.pages, *([match.tail_page] if match.tail_page is not None else [])]
    return running.scheduler._memory[:, pages].flatten(1, 2)[:, : match.tokens].clone()


def test_a_good_draft_saves_most_steps_and_a_bad_one_costs_next_to_none(running: Running) -> None:
    running.drafting.sources = {"edit"}
    plain = running.run(Request(PROMPT, NEW_TOKENS))[0]
    drafts = adversarial(plain.output)
    right = running.run(Request(PROMPT, NEW_TOKENS, drafts=edit(drafts["right"])))[0]
    assert right.steps <= 10
    assert right.sequence.trace().accepted_tokens >= NEW_TOKENS - 10
    for name in ("a part missing", "a part too many", "begins elsewhere"):
        found_again = running.run(Request(PROMPT, NEW_TOKENS, drafts=edit(drafts[name])))[0]
        assert found_again.steps <= 30, name
    wrong = running.run(Request(PROMPT, NEW_TOKENS, drafts=edit(drafts["wrong"])))[0]
    assert wrong.sequence.trace().drafted_tokens <= 12
    assert running.run(Request(PROMPT, NEW_TOKENS))[0].sequence.trace().drafted_tokens == 0


@pytest.mark.parametrize("source", ["document", "lines", "prediction"])
def test_each_source_leaves_the_output_and_saves_a_step_for_each_right_token(
    source: DraftSource, running: Running
) -> None:
    plain = running.run(Request(PROMPT, NEW_TOKENS))[0]
    running.drafting.sources = {source}
    for name, draft in adversarial(plain.output).items():
        forget(running)
        done = running.run(Request(PROMPT, NEW_TOKENS, drafts=(Draft(source, draft),)))[0]
        assert done.what_the_user_sees() == plain.what_the_user_sees(), name
        trace = done.sequence.trace()
        assert done.steps + trace.accepted_tokens == plain.steps, name
        assert {use.source for use in trace.drafts} <= {source}
        assert sum(use.drafted_tokens for use in trace.drafts) == trace.drafted_tokens
        assert sum(use.accepted_tokens for use in trace.drafts) == trace.accepted_tokens
    right = running.run(Request(PROMPT, NEW_TOKENS, drafts=(Draft(source, tuple(plain.output)),)))[0]
    assert right.steps <= NEW_TOKENS // 3


def test_the_prompt_and_the_output_itself_are_drafted(running: Running) -> None:
    """The model writes a part of its prompt, and then again and again a part of its output."""
    begun = running.run(Request(PROMPT, 20))[0].output
    script = (begun * 5)[:NEW_TOKENS]
    running.scheduler._model = Scripted(running, script)
    running.drafting.sources = {"prompt"}
    prompt = TokenPrompt((*begun[:10], *PROMPT_TOKENS[10:]))
    done = running.run(Request(prompt, NEW_TOKENS, drafts=edit((300,))))[0]
    assert done.output == script
    assert done.steps <= NEW_TOKENS // 2


def test_drafted_and_undrafted_sequences_run_together_as_alone(running: Running) -> None:
    tokens = PROMPT_TOKENS
    prompts = [TokenPrompt(p) for p in (tokens, tokens[:30], (*tokens, 5, 6, 7), tokens[5:], tokens[::-1])]
    alone = [running.run(Request(prompt, 40))[0] for prompt in prompts]
    forget(running)
    drafts = [(), alone[1].output, adversarial(alone[2].output)["every fifth wrong"], alone[0].output, ()]
    together = running.run(
        *(Request(prompt, 40, drafts=edit(draft)) for prompt, draft in zip(prompts, drafts, strict=True))
    )
    assert [done.what_the_user_sees() for done in together] == [done.what_the_user_sees() for done in alone]
    assert together[1].sequence.trace().accepted_tokens > 20


@pytest.mark.parametrize("after_steps", range(1, 7))
def test_a_cancel_in_the_middle_leaves_verified_tokens_only(running: Running, after_steps: int) -> None:
    plain = running.run(Request(PROMPT, NEW_TOKENS))[0]
    forget(running)
    draft = adversarial(plain.output)["every fifth wrong"]
    sequence, updates = running.start(Request(PROMPT, NEW_TOKENS, drafts=edit(draft)))
    for _ in range(after_steps):
        running.step()
    sequence.cancelled = True
    running.step()
    assert updates[-1].finish_reason == "cancelled"
    whole = (*PROMPT_TOKENS, *plain.output)
    assert all(cached == whole[: len(cached)] for cached in cached_tokens(running.scheduler))
    again = running.run(Request(PROMPT, NEW_TOKENS))[0]
    assert again.output == plain.output
    assert again.sequence.trace().cached_tokens == len(PROMPT_TOKENS) - 1


def test_a_begun_word_is_drafted_too(running: Running) -> None:
    """The tokens that the word allows are other ones at each row of a step."""
    running.drafting.sources = {"prediction"}
    plain = running.run(Request(PROMPT, 20, begins_with="abc"))[0]
    right = tuple(plain.output)
    assert running.tokenizer.decode(right).startswith("abc")
    within = (*right[:2], *right[3:])  # leaves a part of the word out
    for name, draft in {"right": right, "wrong within": within, "wrong behind": (*right[:4], 7, 8)}.items():
        forget(running)
        done = running.run(Request(PROMPT, 20, begins_with="abc", drafts=(Draft("prediction", draft),)))[0]
        assert done.what_the_user_sees() == plain.what_the_user_sees(), name
        assert done.steps + done.sequence.trace().accepted_tokens == plain.steps, name
        assert done.sequence.trace().accepted_tokens >= 2, name
    never_written = next(token for token in range(97, 256) if token not in right)
    drafts = (Draft("prediction", 6 * (never_written,)),)
    done = running.run(Request(PROMPT, 20, begins_with="abc", drafts=drafts))[0]
    assert not done.sequence.trace().drafted_tokens, "what cannot be the begun word is no draft of it"
