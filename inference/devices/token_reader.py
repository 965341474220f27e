"""Brings the chosen tokens of a step to the host while the device already runs the next step."""

import torch
from torch import Tensor

ReadToken = tuple[int, float]  # a token, and its log-probability


class TokenReader:
    """A buffer on the host for the tokens of one step. `send` comes before the next step is launched, `receive` after.

    The device copies in its order, so the next step may overwrite what was sent.
    """

    def __init__(self, most_tokens: int, device: torch.device) -> None:
        is_cuda = device.type == "cuda"
        self._host = torch.zeros(2 * most_tokens, pin_memory=is_cuda)
        self._copied = torch.cuda.Event() if is_cuda else None  # type: ignore[no-untyped-call]  # torch does not say
        self._count = 0

    def send(self, tokens: Tensor, logprobs: Tensor) -> None:
        """Begin to copy tokens [L] int64 and log-probabilities [L]. What was sent before is lost."""
        self._count = len(tokens)
        # fp32 holds every id of a vocabulary. A copy into a strided target would wait for the device.
        self._host[: 2 * self._count].copy_(torch.cat((tokens.float(), logprobs)), non_blocking=True)
        if self._copied is not None:
            self._copied.record()

    def receive(self) -> list[ReadToken]:
        """Wait for what was sent, and for nothing that was launched behind it."""
        if self._copied is not None:
            self._copied.synchronize()
        values = self._host[: 2 * self._count].tolist()
        return [(int(token), logprob) for token, logprob in zip(values, values[self._count :], strict=False)]
