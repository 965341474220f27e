"""Chooses tokens from logits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

import torch
from torch import Tensor

from inference.api import Sampling
from inference.copying.mixture import likeliest_of_mixture, mix
from inference.devices.captured_step import Greedy, logprobs_of
from inference.live_sequence import LiveSequence
from inference.models.begun_word import logit_addends
from inference.speed.import_torch import complete_torch
from inference.step import Planned

Choice = tuple[int, float]  # a token, and the log of the model's probability for it


class Sampler:
    """The token choices of one request; the same seed gives the same choices on every device."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        if not self.is_greedy:
            complete_torch()
            self._generator = torch.Generator().manual_seed(sampling.seed)

    @property
    def is_greedy(self) -> bool:
        return self._sampling.temperature == 0

    def choose(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Choose tokens from logits [L, vocabulary] in fp32 -> (tokens [L] int64, log-probabilities [L])."""
        choices = logits.argmax(-1) if self.is_greedy else torch.stack([*map(self._pick, logits)])
        return choices, logprobs_of(logits, choices)

    def _pick(self, logits: Tensor) -> Tensor:
        """Sample a token from logits [vocabulary]. The generator is the CPU's: a GPU's would choose others."""
        probabilities = (logits / self._sampling.temperature).softmax(-1)
        ordered, tokens = probabilities.sort(descending=True)
        # Nucleus: the smallest set of likeliest tokens that holds top_p; the first is always in it.
        outside = ordered.cumsum(-1) - ordered >= self._sampling.top_p
        outside[0] = False
        kept = ordered.masked_fill(outside, 0.0)
        # The race of exponential times that torch.multinomial runs: the first arrives with the wanted probability.
        times = torch.empty(kept.shape, dtype=kept.dtype).exponential_(generator=self._generator)
        return tokens[(kept / times.to(kept.device)).argmax()]


def choose_tokens(
    planned: Sequence[Planned],
    samplers: Mapping[LiveSequence, Sampler],
    logits: Tensor,
    vocab_size: int,
    greedy: Greedy | None = None,
    likeliest: Sequence[Choice] | None = None,
    is_restricted: bool = False,
) -> Iterator[Iterator[Choice]]:
    """Choose the next tokens of each work from its rows of logits [L, vocabulary or more]; only the vocabulary counts.

    On the CPU a row is looked at when it is asked for: behind a wrong draft nobody asks, and what is copied depends on
    the tokens before. On a GPU all rows are chosen there, and read at once, unless a sequence copies or is given.
    `greedy` has the likeliest tokens of all rows if the step has found them; they stand where no sequence samples or
    heals, and where all that runs decodes, the next step is launched before they are read. `likeliest` has them on the
    CPU, the first of them for a sequence that heals where the step `is_restricted`.
    """
    if logits.is_cpu or any(s.copier is not None or s.request.given for s, _ in planned):
        left, first = iter(likeliest or ()), 0
        for sequence, work in planned:
            rows = range(first, first + work.logit_tokens)
            own = [*islice(left, work.logit_tokens)]
            yield _choose_each(sequence, samplers, logits, vocab_size, rows, own, is_restricted=is_restricted)
            first = rows.stop
        return
    if greedy is not None and all(takes_likeliest(sequence, samplers) for sequence, _ in planned):
        read = iter(greedy.read(goes_on=_goes_on(planned, samplers)))
    else:
        parts = torch.split(logits[:, :vocab_size], [work.logit_tokens for _, work in planned])
        read = iter(_choose_all(planned, samplers, parts))
    for _, work in planned:
        yield iter([next(read) for _ in range(work.logit_tokens)])


def _goes_on(planned: Sequence[Planned], running: Collection[LiveSequence]) -> bool:
    """Return whether the next step is probably one token more of each of these sequences: all that runs decodes."""
    return len(planned) == len(running) and all(
        len(work.tokens) == work.logit_tokens == 1 and sequence.goes_on for sequence, work in planned
    )


def _choose_all(
    planned: Sequence[Planned], samplers: Mapping[LiveSequence, Sampler], rows: Sequence[Tensor]
) -> list[Choice]:
    """Choose the tokens of all rows on the GPU, and read them."""
    chosen = [
        samplers[sequence].choose(_possible(sequence, logits_of_work))
        for (sequence, _), logits_of_work in zip(planned, rows, strict=True)
        if len(logits_of_work)
    ]
    if not chosen:
        return []
    tokens, logprobs = (torch.cat(each) for each in zip(*chosen, strict=True))
    return read_choices(tokens, logprobs)


def read_choices(tokens: Tensor, logprobs: Tensor) -> list[Choice]:
    """Read the chosen tokens. Only here, and for a captured step in `TokenReader`, the engine waits for a GPU."""
    values = torch.stack((tokens.float(), logprobs)).tolist()  # fp32 holds every id of a vocabulary
    return [(int(token), logprob) for token, logprob in zip(*values, strict=True)]


def _choose_each(
    sequence: LiveSequence,
    samplers: Mapping[LiveSequence, Sampler],
    logits: Tensor,
    vocab_size: int,
    rows: range,
    likeliest: Sequence[Choice],
    *,
    is_restricted: bool,
) -> Iterator[Choice]:
    """Choose from these rows of logits; `likeliest` has the choices that the step has made, or is empty.

    A choice that was made takes no operation of torch, each of which is slow behind a step (`StepMemory`).
    """
    for index, place in enumerate(rows):
        copied = sequence.copied()
        is_chosen = (is_restricted and index == 0) or takes_likeliest(sequence, samplers)
        if likeliest and is_chosen:
            own = likeliest[index]
            yield own if copied is None else likeliest_of_mixture(logits.numpy()[place], *own, copied)
            continue
        row = logits[place, :vocab_size]
        mixed = _possible(sequence, row if copied is None else mix(row, copied))
        if sequence.request.given:
            yield _score_next(sequence, mixed)
            continue
        tokens, logprobs = samplers[sequence].choose(mixed[None])
        yield int(tokens), float(logprobs)


def takes_likeliest(sequence: LiveSequence, samplers: Mapping[LiveSequence, Sampler]) -> bool:
    """Return whether the next tokens of a sequence are the likeliest, where nothing is copied."""
    return samplers[sequence].is_greedy and not sequence.request.given and not sequence.stream.is_healing


def first_addends(
    planned: Sequence[Planned], samplers: Mapping[LiveSequence, Sampler], vocab_size: int
) -> Tensor | None:
    """Return what a begun word adds to the first logits, where the native step can choose by them; else None.

    It can for one sequence that decodes greedily, and whose word ends with the first token of a draft.
    """
    sequence, work = planned[-1]
    is_alone = all(other is sequence for other, _ in planned)
    if not is_alone or not work.logit_tokens or not sequence.stream.is_healing or sequence.request.given:
        return None
    drafted = work.tokens[len(work.tokens) - work.logit_tokens + 1 :]
    is_ended = not drafted or sequence.stream.ends_word(drafted[0])
    takes = samplers[sequence].is_greedy and sequence.copier is None
    return logit_addends(sequence.stream.allowed_tokens(), vocab_size) if takes and is_ended else None


def _score_next(sequence: LiveSequence, logits: Tensor) -> Choice:
    """Return the next token of a given output, or a line end behind it, with its log-probability.

    It is the probability by which the token is chosen: of the tokens that a begun word allows; of all line ends.
    """
    given, place = sequence.request.given, sequence.output_tokens
    tokens = (given[place],) if place < len(given) else sequence.stream.line_ends()
    wanted = logits[torch.tensor(tokens, device=logits.device)].logsumexp(-1)
    return tokens[0], float(wanted - logits.logsumexp(-1))


def _possible(sequence: LiveSequence, logits: Tensor) -> Tensor:
    """Return logits [..., vocabulary] with those of the tokens alone that a begun word allows next.

    On a GPU it has no draft, so all rows of a step allow the same.
    """
    if not sequence.stream.is_healing:
        return logits
    return logits + logit_addends(sequence.stream.allowed_tokens(), logits.shape[-1], logits.device)
