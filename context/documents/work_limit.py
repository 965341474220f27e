"""The limit of the work on one text: a hostile file is given up after some CPU time, not waited for."""

from time import thread_time

from midspan import MidspanError


class WorkLimitError(MidspanError):
    """The work on a text is given up. The message completes a sentence about the file: "it takes …"."""


class WorkLimit:
    """The CPU seconds that the calling thread may work on one text, from now on.

    Time of the CPU, because on a busy machine an innocent file takes long by the clock.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = thread_time() + seconds

    @property
    def is_over(self) -> bool:
        """True when nothing is left of the time."""
        return thread_time() > self._end

    def check(self, work: str) -> None:
        """Raise WorkLimitError when nothing is left of the time; `work` names what takes so long."""
        if self.is_over:
            raise WorkLimitError(f"it takes longer than {self._seconds:.2g} s to {work}")
