"""Run a request on an engine and wait for all of its output."""

from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from inference.api import Engine, FinishReason, Prompt, Request, Sampling, Trace, Update
from inference.prompts.prompt import TokenPrompt


@dataclass(frozen=True)
class Output:
    text: str
    reason: FinishReason
    trace: Trace
    error: Exception | None


def collect(updates: "SimpleQueue[Update]") -> Output:
    text = ""
    while True:
        update = updates.get(timeout=60)
        text += update.text
        if update.finish_reason is not None and update.trace is not None:
            return Output(text, update.finish_reason, update.trace, update.error)


def generate(
    engine: Engine,
    prompt: Prompt | Sequence[int],
    max_new_tokens: int = 24,
    max_lines: int | None = None,
    sampling: Sampling | None = None,
    least_logprob: float | None = None,
) -> Output:
    updates: SimpleQueue[Update] = SimpleQueue()
    prompt = TokenPrompt(tuple(prompt)) if isinstance(prompt, Sequence) else prompt
    request = Request(prompt, max_new_tokens, max_lines, sampling or Sampling(), least_logprob=least_logprob)
    engine.submit(request, updates.put)
    return collect(updates)
