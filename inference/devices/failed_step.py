"""Ends the requests of a step that has failed. After a lack of memory the prefix cache becomes smaller."""

import traceback
from typing import Protocol

import torch

from inference.devices.find_places import free_unused
from midspan import CapacityError, MidspanError


class Scheduler(Protocol):
    """The requests of an engine, with its cache."""

    @property
    def device(self) -> torch.device: ...

    def fail_all(self, error: MidspanError) -> None: ...

    def shrink(self) -> None: ...


def fail_step(scheduler: Scheduler, error: BaseException) -> None:
    """Tell every request of the scheduler that the engine failed, and make it ready for the next one."""
    if not isinstance(error, torch.OutOfMemoryError):
        scheduler.fail_all(MidspanError(f"the engine failed: {error}"))
        return
    traceback.clear_frames(error.__traceback__)  # they hold the tensors of the step
    device = scheduler.device
    scheduler.fail_all(
        CapacityError(
            f"{device} has no memory left for this request, so the prefix cache is made smaller; ask again, or end "
            f"other programs that use {device}"
        )
    )
    free_unused(device)
    scheduler.shrink()
