"""Warmup, stable, decay. The stable run never decays; a decay run is branched from it."""

from dataclasses import dataclass

from training.model.checkpoints import Progress

WARMUP_STEPS = 40


@dataclass(frozen=True)
class Limit:
    """The end of a run, in steps or minutes of its own; None sets no limit."""

    steps: int | None = None
    minutes: float | None = None

    def share_done(self, progress: Progress) -> float:
        """The larger of the shares of steps and of minutes, from 0 to 1."""
        by_steps = progress.run_steps / self.steps if self.steps else 0.0
        by_time = progress.run_seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(by_steps, by_time))


def rate_factor(progress: Progress, limit: Limit, decays: bool, warmup_steps: int = WARMUP_STEPS) -> float:
    """The factor of the peak rates at this point of the run. A run that begins from released weights warms up too."""
    warmup = min(1.0, (progress.run_steps + 1) / warmup_steps)
    return warmup * (1.0 - limit.share_done(progress) if decays else 1.0)
