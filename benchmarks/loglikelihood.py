"""The worth of repository context to a model: held-out lines with a name of another file, with context and without."""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.held_out import hold_out, open_workspace
from context.prompt.pack import Budget, Pack, pack
from context.related.collect import collect
from inference.api import FIM_PROMPT_OVERHEAD_TOKENS
from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.loader import load_model
from inference.local_engine import BUILTIN_MODEL
from inference.models.architecture import ModelConfig, parse_config
from inference.models.batch import Work, pack_batch
from inference.models.config_json import read_config_json
from inference.models.description import read_family
from inference.models.identity import parse_identity
from inference.prompts.prompt import build_fim_prompt
from inference.prompts.tokenizer import Tokenizer
from inference.weights.checkpoint import stored_dtype

_MOST_LINE_TOKENS = 96


class Scorer:
    """A model outside of the engine, which would hide the logits; it scores one text at a time."""

    def __init__(self, folder: Path) -> None:
        """Load the model. Raises ModelError."""
        raw_config = read_config_json(folder)
        family = read_family(folder)
        identity = parse_identity(raw_config, folder, family)
        config = parse_config(raw_config, folder / "config.json")
        self.name, self.context_tokens = identity.name, identity.context_tokens
        self.tokenizer = Tokenizer(folder, family)
        self._order = identity.fim_orders[0]
        self._device, dtype = torch.device("cpu"), stored_dtype(folder)
        self._model = load_model(folder, config, dtype, self._device)
        self._memory = _memory(config, self.context_tokens, dtype, self._device)

    def score(self, packed: Pack, line: str) -> tuple[float, bool]:
        """The mean log-likelihood of the line's tokens, and whether greedy decoding would write the line."""
        wanted, likelihoods = self.log_likelihoods(packed, line)
        target = torch.tensor(wanted)
        likelihood = likelihoods.gather(1, target[:, None]).mean()
        return float(likelihood), bool((likelihoods.argmax(-1) == target).all())

    def log_likelihoods(self, packed: Pack, line: str) -> tuple[list[int], torch.Tensor]:
        """The tokens of the line, and the log-likelihoods of the vocabulary at each [line tokens, vocabulary]."""
        prompt = build_fim_prompt(self.tokenizer, self._order, packed.context, packed.prefix, packed.suffix)
        wanted = self.tokenizer.encode(line)
        return wanted, self.log_likelihoods_behind(prompt, wanted[:-1])

    def log_likelihoods_behind(self, prompt: Sequence[int], output: Sequence[int]) -> torch.Tensor:
        """The log-likelihoods behind the prompt and behind each token of the output [output tokens + 1, vocabulary]."""
        tokens = (*prompt, *output)
        pages = range(-(-len(tokens) // PAGE_TOKENS))
        batch = pack_batch([Work(tokens, 0, pages, logit_tokens=1)], self._device)
        with torch.inference_mode():
            rows = torch.arange(len(prompt) - 1, len(tokens))  # a row predicts the token after it
            return self._model.forward(replace(batch, logit_rows=rows), self._memory).log_softmax(-1)


def _memory(config: ModelConfig, tokens: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    pages = -(-tokens // PAGE_TOKENS)
    return allocate_memory(config.num_hidden_layers, pages, config.page_width, dtype, device)


def measure(scorer: Scorer, root: Path, lines: int, budget_tokens: int, seed: int) -> dict[str, float]:
    room = scorer.context_tokens - _MOST_LINE_TOKENS - FIM_PROMPT_OVERHEAD_TOKENS
    budget, count = Budget(min(budget_tokens, room)), scorer.tokenizer.count
    scores: dict[str, list[tuple[float, bool]]] = {"with": [], "without": []}
    with tempfile.TemporaryDirectory() as cache:
        workspace = open_workspace(root, Path(cache))
        for held_out in hold_out(workspace, lines, seed):
            if count(held_out.line) > _MOST_LINE_TOKENS:
                continue
            snapshot = held_out.snapshot
            packs = {
                "with": pack(snapshot, collect(snapshot, workspace), budget, count),
                "without": pack(snapshot, (), budget, count),
            }
            for way, packed in packs.items():
                scores[way].append(scorer.score(packed, held_out.line))
        workspace.close()
    figures: dict[str, float] = {"lines": len(scores["with"]), "budget_tokens": budget.total_tokens}
    for way, found in scores.items():
        figures[f"loglikelihood_{way}"] = statistics.mean(likelihood for likelihood, _ in found)
        figures[f"exact_match_{way}"] = statistics.mean(matches for _, matches in found)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="the folder of a real repository with Python in it")
    parser.add_argument("--model", type=Path, default=BUILTIN_MODEL, help="a model folder (default: built-in)")
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--budget", type=int, default=2048, help="tokens of the prompt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    scorer = Scorer(arguments.model)
    figures = measure(scorer, arguments.root, arguments.lines, arguments.budget, arguments.seed)
    if arguments.json:
        print(json.dumps({"model": scorer.name, **{name: round(value, 3) for name, value in figures.items()}}))
        return
    for name, value in figures.items():
        print(f"{name:24}{value:10.3f}")


if __name__ == "__main__":
    main()
