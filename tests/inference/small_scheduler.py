"""A scheduler with a small random model that the test steps, and drafts that are right and wrong."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from inference.api import Draft, EngineSettings, FinishReason, Request, Update
from inference.cache.radix_tree import Node
from inference.copying.copier import begin_copying
from inference.copying.weights import CopyWeights
from inference.drafting.costs import StepCosts
from inference.drafting.drafter import Drafting
from inference.live_sequence import LiveSequence
from inference.loader import build_scheduler
from inference.models.batch import Batch
from inference.models.description import read_family
from inference.models.forward_pass import ForwardPass
from inference.prompts.prompt import TokenPrompt
from inference.prompts.text_stream import TextStream
from inference.prompts.tokenizer import Tokenizer
from inference.scheduler import Model, Scheduler
from tests.inference.changed_pass import ChangedPass
from tests.inference.folders import BYTE_TOKENS, config_of, write_folder

PROMPT_TOKENS = tuple(random.Random(1).randrange(256) for _ in range(45))
PROMPT = TokenPrompt(PROMPT_TOKENS)
NEW_TOKENS = 60
CONTEXT_TOKENS = 4096


class UnmeasuredCosts(StepCosts):
    """The costs that are assumed before any was measured: the same in every run."""

    def note(self, rows: int, ms: float) -> None:
        pass


@dataclass
class Running:
    """A request without drafts is decoded plainly, one token a step."""

    scheduler: Scheduler
    tokenizer: Tokenizer
    copy_weights: CopyWeights | None = None

    def __post_init__(self) -> None:
        self.drafting = Drafting(costs=UnmeasuredCosts())

    def start(self, request: Request) -> tuple[LiveSequence, list[Update]]:
        updates: list[Update] = []
        stream = TextStream(self.tokenizer, request.begins_with)
        drafter = self.drafting.begin(request, self.tokenizer.sentinels.fim) if request.drafts else None
        copier = begin_copying(request, self.tokenizer, self.copy_weights)
        sequence = LiveSequence(request, updates.append, stream, CONTEXT_TOKENS, drafter, copier)
        self.scheduler.add(sequence)
        return sequence, updates

    def step(self) -> None:
        with torch.inference_mode():
            self.scheduler.step()
        self.scheduler.check_integrity()

    def run(self, *requests: Request) -> list["Done"]:
        started = [self.start(request) for request in requests]
        steps = 0
        while self.scheduler.live_count or self.scheduler.waiting_count:
            self.step()
            steps += 1
        return [Done(sequence, updates, steps) for sequence, updates in started]


@dataclass
class Done:
    sequence: LiveSequence
    updates: list[Update]
    steps: int

    @property
    def output(self) -> list[int]:
        return self.sequence.tokens[len(self.sequence.prompt_tokens) :]

    @property
    def reason(self) -> FinishReason | None:
        return self.updates[-1].finish_reason

    @property
    def text(self) -> str:
        return "".join(update.text for update in self.updates)

    def what_the_user_sees(self) -> tuple[list[int], str, FinishReason | None, float]:
        confidence = self.sequence.trace().confidence
        assert confidence is not None
        return self.output, self.text, self.reason, round(confidence, 4)


def start(tmp_path: Path, raw_config: dict[str, Any], quant: Any, cache_dtype: Any = "auto") -> Running:
    folder = write_folder(tmp_path / "model", raw_config)
    config = config_of(raw_config)
    tokenizer = Tokenizer(folder, read_family(folder))
    cache_bytes = 40 * 16 * config.num_hidden_layers * config.page_width * 4
    settings = EngineSettings(cache_bytes=cache_bytes, chunk_tokens=64, quant=quant, cache_dtype=cache_dtype)
    scheduler = build_scheduler(folder, config, tokenizer, CONTEXT_TOKENS, settings)[0]
    scheduler._model = Restless(scheduler._model)
    return Running(scheduler, tokenizer)


def edit(tokens: Sequence[int]) -> tuple[Draft, ...]:
    """Return the drafts of an edit of these tokens."""
    return (Draft("edit", tuple(tokens)),)


class Restless:
    """A random model that is pushed to other tokens, the same at each position: by itself it soon repeats one."""

    def __init__(self, model: Model, vocabulary: int = BYTE_TOKENS) -> None:
        self._model = model
        self._vocabulary = vocabulary
        self.push = torch.randn(256, vocabulary, generator=torch.Generator().manual_seed(3))

    def forward(self, batch: Batch, pages: torch.Tensor) -> torch.Tensor:
        return self._pushed(batch, self._model.forward(batch, pages))

    def begin(self, batch: Batch, pages: torch.Tensor) -> ForwardPass:
        return ChangedPass(self._model.begin(batch, pages), lambda logits: self._pushed(batch, logits))

    def _pushed(self, batch: Batch, logits: torch.Tensor) -> torch.Tensor:
        logits[:, : self._vocabulary] += self.push[batch.positions[batch.logit_rows]]
        return logits


def forget(running: Running) -> None:
    running.scheduler.pool.release(running.scheduler.tree.evict(1000))


def cached_tokens(scheduler: Scheduler) -> set[tuple[int, ...]]:
    """Return every prefix that ends at a node of the tree."""

    def walk(node: Node, before: tuple[int, ...]) -> set[tuple[int, ...]]:
        here = before + node.tokens
        return {here}.union(*(walk(child, here) for child in node.children.values()))

    return walk(scheduler.tree._root, ())


def adversarial(output: Sequence[int]) -> dict[str, tuple[int, ...]]:
    rng = random.Random(2)
    noise = [rng.randrange(256) for _ in range(300)]
    every_fifth_wrong = [token ^ 1 if index % 5 == 4 else token for index, token in enumerate(output)]
    return {
        "right": tuple(output),
        "right, and longer than the budget": (*output, *noise),
        "wrong": tuple(noise),
        "one token": (output[0],),
        "every fifth wrong": tuple(every_fifth_wrong),
        "a part missing": (*output[:20], *output[31:]),
        "a part too many": (*output[:20], *noise[:9], *output[20:]),
        "begins elsewhere": (*noise[:7], *output[5:]),
        "the same over and over": (output[0],) * 200,
        "the first half twice": (*output[:30], *output[:30], *output[30:]),
        "what ends an output in the middle": (*output[:10], 257, 259, *output[10:]),
        "the prompt": PROMPT_TOKENS,
    }
