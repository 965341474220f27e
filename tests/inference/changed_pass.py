"""Forward passes whose logits a test looks at or changes, and passes that stop."""

from collections.abc import Callable

from torch import Tensor

from inference.models.batch import Batch
from inference.models.forward_pass import ALL_SUBLAYERS, ForwardPass, StopFlag
from inference.scheduler import Model


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


class SlicedPass:
    """Stops after `sublayers_at_once`, as if a request of the foreground came each time."""

    def __init__(self, forward_pass: ForwardPass, sublayers_at_once: Callable[[], int]) -> None:
        self._pass = forward_pass
        self._sublayers_at_once = sublayers_at_once

    @property
    def sublayers(self) -> int:
        return self._pass.sublayers

    @property
    def sublayers_done(self) -> int:
        return self._pass.sublayers_done

    def run(self, stop: StopFlag | None = None, most_sublayers: int = ALL_SUBLAYERS) -> Tensor | None:
        return self._pass.run(stop, min(most_sublayers, self._sublayers_at_once()))


class SlicedModel:
    """A model whose passes stop, those of more rows than `least_rows` only."""

    def __init__(self, model: Model, sublayers_at_once: Callable[[], int], least_rows: int = 1) -> None:
        self._model = model
        self._sublayers_at_once = sublayers_at_once
        self._least_rows = least_rows

    def forward(self, batch: Batch, pages: Tensor) -> Tensor:
        return self._model.forward(batch, pages)

    def begin(self, batch: Batch, pages: Tensor) -> ForwardPass:
        forward_pass = self._model.begin(batch, pages)
        if len(batch.tokens) < self._least_rows:
            return forward_pass
        return SlicedPass(forward_pass, self._sublayers_at_once)
