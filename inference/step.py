"""The step that runs, or has stopped and goes on later."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from torch import Tensor

from inference.devices.captured_step import CapturedDecoder, CapturedPass, Greedy
from inference.live_sequence import LiveSequence
from inference.models.batch import Work
from inference.models.forward_pass import ALL_SUBLAYERS, ForwardPass, StopFlag
from inference.native.model import NativePass

Planned = tuple[LiveSequence, Work]


class Step:
    """The planned work of some sequences with its forward pass. While it is stopped, their pages remain theirs."""

    def __init__(
        self,
        planned: Sequence[Planned],
        forward_pass: ForwardPass,
        *,
        is_background: bool,
        gives_way: bool,
        is_restricted: bool = False,
    ) -> None:
        """`gives_way`: a new request of the foreground stops it.

        `is_restricted`: the likeliest token of its first row of logits is among those that a begun word allows.
        """
        self.planned = planned
        self.is_background = is_background
        self.gives_way = gives_way
        self.is_restricted = is_restricted
        self.new_tokens = sum(len(work.tokens) for _, work in planned)
        self.seconds = 0.0  # that it has run
        self.stop = StopFlag()
        self._pass = forward_pass

    @property
    def sequences(self) -> list[LiveSequence]:
        return [sequence for sequence, _ in self.planned]

    @property
    def is_cancelled(self) -> bool:
        """True when nobody waits for any of it."""
        return all(sequence.cancelled for sequence, _ in self.planned)

    @property
    def is_ahead(self) -> bool:
        """True when nobody waits for any of it yet."""
        return is_ahead(self.planned)

    @property
    def prefills(self) -> bool:
        return any(sequence.left_tokens > 1 for sequence, _ in self.planned)

    @property
    def greedy(self) -> Greedy | None:
        """The likeliest tokens of all its rows of logits, which a captured pass has left on the GPU."""
        return self._pass.greedy if isinstance(self._pass, CapturedPass) else None

    @property
    def likeliest(self) -> list[tuple[int, float]] | None:
        """The likeliest tokens of all its rows of logits with their log-probabilities, where the native step ran."""
        return self._pass.likeliest if isinstance(self._pass, NativePass) else None

    @property
    def sublayers(self) -> int:
        return self._pass.sublayers

    @property
    def left_tokens(self) -> int:
        """The tokens that the shortest of its prompts still has."""
        return min(sequence.left_tokens for sequence, _ in self.planned)

    @property
    def sublayer_s(self) -> float:
        """The time of a sublayer so far."""
        return self.seconds / max(1, self._pass.sublayers_done)

    def run(self, most_sublayers: int = ALL_SUBLAYERS) -> Tensor | None:
        """Run to the end, or until it is stopped; return the logits, or None when it has stopped."""
        began_s = time.perf_counter()
        logits = self._pass.run(self.stop, most_sublayers)
        self.seconds += time.perf_counter() - began_s
        return logits


def is_ahead(planned: Sequence[Planned]) -> bool:
    """Return whether nobody waits for any of this work yet, so that it takes one core."""
    return all(sequence.request.is_ahead for sequence, _ in planned)


def keep_to_launched(planned: Sequence[Planned], model: object, pages: Tensor) -> Sequence[Planned]:
    """Leave out the drafts of a step that was launched before they were known. The step behind it waits for them."""
    if not isinstance(model, CapturedDecoder) or not model.has_launched([work for _, work in planned], pages):
        return planned
    for sequence, work in planned:
        if work.logit_tokens > 1:
            sequence.withdraw_draft()
    return [(sequence, replace(work, tokens=work.tokens[:1], logit_tokens=1)) for sequence, work in planned]


class Interruptions:
    """Stops the step that runs. Any thread may ask for it; `running` and `forget` are the engine thread's."""

    def __init__(self) -> None:
        self._step: Step | None = None
        self._is_awaited = False  # by a request of the foreground that the engine has not taken yet
        self._is_closing = False

    def make_way(self) -> None:
        """Stop the step if it gives way: a request of the foreground has been submitted."""
        self._is_awaited = True
        self._stop_if_needed()

    def stop_background(self) -> None:
        """Stop the step if it is of the background: another engine has foreground work."""
        if (step := self._step) is not None and step.is_background:
            step.stop.set()

    def look_for_cancel(self) -> None:
        """Stop the step if all of its requests are cancelled."""
        self._stop_if_needed()

    def close(self) -> None:
        """Stop this step and every later one."""
        self._is_closing = True
        self._stop_if_needed()

    def forget(self) -> None:
        """Forget the requests that were submitted: they are about to be taken."""
        self._is_awaited = False

    @contextmanager
    def running(self, step: Step) -> Iterator[None]:
        """Let other threads stop `step` meanwhile. What they have asked for just before counts too."""
        step.stop.clear()
        self._step = step
        self._stop_if_needed()
        try:
            yield
        finally:
            self._step = None

    def _stop_if_needed(self) -> None:
        step = self._step
        if step is not None and (self._is_closing or step.is_cancelled or (self._is_awaited and step.gives_way)):
            step.stop.set()
