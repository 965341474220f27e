"""Random edits of a document: whatever is typed, cancelled or evicted, pages and counts stay right."""

import random
from pathlib import Path

import pytest

from inference.api import Request, Trace
from inference.moved_suffix import FRESH_TOKENS, align, changed_tokens
from tests.inference.folders import LITE, QWEN
from tests.inference.psm_prompts import forget_all, psm, random_text
from tests.inference.small_scheduler import edit, start

EDITS = 1000
MOST_PREFIX, MOST_SUFFIX = 90, 120


class Typist:
    """A document with a cursor, and the edits that a typist makes of it."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self.prefix = list(random_text(seed, 40))
        self.suffix = list(random_text(seed + 1, 80))

    def edit(self) -> None:
        rng = self._rng
        kind = rng.random()
        if kind < 0.55:
            self.prefix += [rng.randrange(256) for _ in range(rng.randint(1, 3))]
        elif kind < 0.7:
            del self.prefix[len(self.prefix) - rng.randint(0, 4) :]
        elif kind < 0.8:
            self.suffix.insert(0, rng.randrange(256))
        elif kind < 0.85:
            del self.suffix[: rng.randint(1, 3)]
        elif kind < 0.9:
            self.suffix = [*self.prefix[-5:], *self.suffix]
            del self.prefix[-5:]
        elif kind < 0.95:
            self.prefix += self.suffix[:20]
            del self.suffix[:20]
        else:
            self.prefix, self.suffix = list(random_text(rng.randrange(3), 30)), list(random_text(rng.randrange(9), 90))
        del self.prefix[MOST_PREFIX:], self.suffix[MOST_SUFFIX:]

    def chance(self, share: float) -> bool:
        return self._rng.random() < share

    def draft(self) -> tuple[int, ...]:
        return tuple(self._rng.randrange(256) for _ in range(6))

    def steps(self) -> int:
        return self._rng.randint(0, 4)


def is_whole(trace: Trace) -> bool:
    """True when the counts add up to the prompt."""
    return trace.cached_tokens + trace.prefilled_tokens + trace.moved_tokens == trace.prompt_tokens


@pytest.mark.parametrize("config", [LITE, QWEN], ids=["lite", "qwen"])
def test_pages_and_counts_stay_right_over_random_edits(config: dict[str, object], tmp_path: Path) -> None:
    """Each step checks that every page has one owner. What is read unwritten is NaN, and so is the confidence then."""
    running = start(tmp_path, config, "none")
    forget_all(running)
    scheduler, typist = running.scheduler, Typist(5)
    moved = few = cancelled = 0
    for _ in range(EDITS):
        typist.edit()
        request = Request(
            psm(running, typist.prefix, typist.suffix),
            max_new_tokens=4,
            may_move_suffix=typist.chance(0.85),
            background=typist.chance(0.1),
            drafts=edit(typist.draft()) if typist.chance(0.3) else (),
        )
        sequence, updates = running.start(request)
        steps = typist.steps() if typist.chance(0.4) else 100
        while not updates or updates[-1].finish_reason is None:
            sequence.cancelled = sequence.cancelled or steps == 0
            running.step()
            steps -= 1
        trace = updates[-1].trace
        assert trace is not None
        assert trace.confidence is None or 0 <= trace.confidence <= 1
        assert scheduler.live_count == scheduler.waiting_count == 0
        assert scheduler.pool.free_count + scheduler.tree.cached_pages == scheduler.pool.total_pages
        cancelled += updates[-1].finish_reason == "cancelled"
        if updates[-1].finish_reason != "cancelled":
            assert is_whole(trace)
            assert request.may_move_suffix or not trace.moved_tokens
        if trace.moved_tokens:
            moved += 1
            few += trace.prefilled_tokens <= 10
            assert scheduler.tree.match(request.prompt.tokens[:-1]).tokens <= sequence.moved.start  # type: ignore[attr-defined]  # a TokenPrompt
        if typist.chance(0.02):
            forget_all(running)
    assert moved > EDITS // 2
    assert few > moved // 2
    assert cancelled > EDITS // 20


def test_where_a_text_has_changed_at_its_head() -> None:
    text = random_text(1, 60)
    for gone, came in ((0, 0), (0, 1), (1, 0), (8, 8), (3, 5)):
        edit = align((*range(300, 300 + gone), *text), (*range(400, 400 + came), *text))
        assert (edit.old, edit.new, edit.same) == (gone, came, 60)
    assert align(text, (*text, 7)).same == align((*text, 7), text).same == 60
    assert align(text, text[30:]).same < FRESH_TOKENS, "too far away to be found"
    assert align((), text).same == align(text, ()).same == 0


def test_the_tokens_that_came_and_went() -> None:
    text = random_text(1, 3000)
    assert changed_tokens(text, text) == 0
    assert changed_tokens(text, (*text, 1, 2)) == 2
    assert changed_tokens((*text, 1, 2), text) == 2
    assert changed_tokens((*text, 1, 2), (*text, 3, 4, 5)) == 5
    assert changed_tokens((), text[:90]) == 90
    assert changed_tokens(text[:100], text) is None
    assert changed_tokens(text, text[::-1]) is None
