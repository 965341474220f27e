"""A forward pass whose logits a test looks at or changes."""

from collections.abc import Callable

from torch import Tensor

from inference.models.forward_pass import ALL_SUBLAYERS, ForwardPass, StopFlag


class ChangedPass:
    """Hands the logits of a complete pass through `change`."""

    def __init__(self, forward_pass: ForwardPass, change: Callable[[Tensor], Tensor]) -> None:
        self._pass = forward_pass
        self._change = change

    @property
    def sublayers(self) -> int:
        return self._pass.sublayers

    @property
    def sublayers_done(self) -> int:
        return self._pass.sublayers_done

    def run(self, stop: StopFlag | None = None, most_sublayers: int = ALL_SUBLAYERS) -> Tensor | None:
        logits = self._pass.run(stop, most_sublayers)
        return None if logits is None else self._change(logits)
