"""Chooses what the engine computes next: a new step of some sequences, or a stopped one that goes on.

The foreground goes first, in it the shortest prompt. A prompt of the foreground that has stopped for a shorter one goes
on beside its decoding, in slices. The background goes on when the foreground rests, and beside it in its share.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from inference.chunk_size import CHUNK_BESIDE_DECODING
from inference.live_sequence import LiveSequence
from inference.models.forward_pass import ALL_SUBLAYERS
from inference.right_of_way import BACKGROUND_SHARE
from inference.step import Step

# The background may work so long ahead of its share. After a pause of the typist, the foreground then has seven times
# as long for itself before a slice of the background comes in between.
_MOST_CREDIT_S = 0.1


@dataclass(frozen=True)
class Turn:
    """The next step: `stopped` goes on, or else one of these sequences is planned."""

    sequences: Sequence[LiveSequence]
    is_background: bool = False
    stopped: Step | None = None
    most_sublayers: int = ALL_SUBLAYERS


class Turns:
    """The steps that have stopped, and the share of the background. Engine thread only."""

    def __init__(self) -> None:
        self._stopped: list[Step] = []
        self._foreground_steps = 0
        self._owed_s = 0.0  # to the background
        self._was_slice = False  # the last step of the foreground

    def holds(self, sequence: LiveSequence) -> bool:
        """True when a stopped step writes into the pages of this sequence."""
        return any(sequence in step.sequences for step in self._stopped)

    def keep(self, step: Step) -> None:
        """Take a step that has stopped, until `choose` returns it."""
        self._stopped.append(step)

    def drop_cancelled(self) -> None:
        """Drop the steps that nobody waits for. What they have computed does not count."""
        self._stopped = [step for step in self._stopped if not step.is_cancelled]

    def drop_all(self) -> None:
        self._stopped.clear()

    def count(self, step: Step, seconds: float) -> None:
        """Count the time that a step has run now."""
        if step.is_background:
            self._owed_s = max(self._owed_s - seconds, -_MOST_CREDIT_S)
        else:
            self._owed_s += seconds / (BACKGROUND_SHARE - 1)

    def choose(self, running: Collection[LiveSequence], slice_s: float | None = None) -> Turn:
        """Choose the next turn. A step of the background runs for about `slice_s` at most, if that is given."""
        free = [sequence for sequence in running if not self.holds(sequence)]
        background = [sequence for sequence in free if sequence.request.background]
        foreground = sorted(
            (sequence for sequence in free if not sequence.request.background), key=lambda each: each.left_tokens
        )
        has_foreground = bool(foreground) or any(not step.is_background for step in self._stopped)
        if not has_foreground:
            return self._background_turn(background, slice_s)
        if not background and not any(step.is_background for step in self._stopped):
            self._owed_s = min(self._owed_s, 0.0)
        self._foreground_steps += 1
        share_turn = self._foreground_steps % BACKGROUND_SHARE
        if share_turn == 0 and (turn := self._share_turn(background)):
            return turn
        riding = [sequence for sequence in background if sequence.left_tokens == 1] if share_turn == 1 else []
        return self._foreground_turn(foreground, riding)

    def _background_turn(self, sequences: Sequence[LiveSequence], slice_s: float | None) -> Turn:
        step = next((step for step in self._stopped if step.is_background), None)
        if step is not None:
            self._stopped.remove(step)
        return Turn(sequences, True, step, ALL_SUBLAYERS if slice_s is None else _sublayers_in(slice_s, step))

    def _share_turn(self, background: Sequence[LiveSequence]) -> Turn | None:
        """Give the background a slice beside the foreground, if it has work that needs one.

        What only decodes rides in a step of the foreground instead; if it has stopped, it is completed for that.
        """
        step = next((step for step in self._stopped if step.is_background), None)
        if step is not None and not step.prefills:
            return self._background_turn((), None)
        prompts = [sequence for sequence in background if sequence.left_tokens > 1]
        if self._owed_s > 0 and (step is not None or prompts):
            return self._background_turn(prompts, self._owed_s)
        return None

    def _foreground_turn(self, sequences: Sequence[LiveSequence], riding: Sequence[LiveSequence]) -> Turn:
        stopped = [step for step in self._stopped if not step.is_background]
        step = min(stopped, key=lambda each: each.left_tokens, default=None)
        prompts = [sequence for sequence in sequences if sequence.left_tokens > 1]
        if step is None or (prompts and prompts[0].left_tokens < step.left_tokens):
            return Turn([*sequences, *riding])
        decoding = [sequence for sequence in sequences if sequence.left_tokens == 1]
        self._was_slice = not self._was_slice
        if decoding and not self._was_slice:
            return Turn([*decoding, *riding])
        self._stopped.remove(step)
        most_sublayers = max(1, step.sublayers // CHUNK_BESIDE_DECODING) if decoding else ALL_SUBLAYERS
        return Turn((), False, step, most_sublayers)


def _sublayers_in(seconds: float, step: Step | None) -> int:
    """Return how many sublayers take so long, as far as is known: one at least."""
    return max(1, int(seconds / step.sublayer_s)) if step is not None and step.sublayer_s else 1
