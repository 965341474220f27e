"""Measures whether drafting pays at all, so that it costs next to nothing where it does not."""

from inference.drafting.costs import StepCosts

_TRIAL_STEPS = 64
_MOST_TRIALS_PAUSED = 32  # then even a trial that takes twice as long as it should costs 3%
_FREE_LOSS = 0.02  # of the time of a trial


class Worth:
    """The time that drafts have saved, less that for finding them, in trials of some steps. Engine thread only.

    After a trial in which drafts have cost time there are none for a while, and longer after each such trial.
    """

    def __init__(self) -> None:
        self._steps = 0
        self._paused_steps = 0
        self._next_pause = 1  # trials
        self._saved_ms = 0.0

    def may_draft(self) -> bool:
        """Return whether this step may have a draft."""
        self._paused_steps = max(0, self._paused_steps - 1)
        return not self._paused_steps

    def spend(self, ms: float) -> None:
        """Note the time for finding a draft."""
        self._saved_ms -= ms

    def earn(self, costs: StepCosts, drafted: int, accepted: int) -> None:
        """Note a step with so many drafted tokens, of which so many have saved a step of their own."""
        if self._paused_steps or not costs.step_ms:
            return
        self._steps += 1
        self._saved_ms += costs.step_ms * (accepted + 1 - costs.relative(1 + drafted))
        if self._steps < _TRIAL_STEPS:
            return
        if self._saved_ms < -_FREE_LOSS * _TRIAL_STEPS * costs.step_ms:
            self._paused_steps = self._next_pause * _TRIAL_STEPS
            self._next_pause = min(2 * self._next_pause, _MOST_TRIALS_PAUSED)
        else:
            self._next_pause = max(self._next_pause // 2, 1)
        self._steps, self._saved_ms = 0, 0.0
