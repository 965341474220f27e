"""Runs a model over real code while it is quantized: pieces of Midspan's sources, half of them as holes to fill."""

from collections.abc import Iterator
from pathlib import Path

import torch

from inference.cache.allocate_memory import allocate_memory
from inference.cache.page_pool import PAGE_TOKENS
from inference.models.architecture import ModelConfig
from inference.models.batch import Work, pack_batch
from inference.models.load import load_decoder
from inference.prompts.prompt import build_fim_prompt
from inference.prompts.tokenizer import Tokenizer
from inference.weights.checkpoint import TensorSource
from inference.weights.quantize import RunModel

SEQUENCE_TOKENS = 448
_PREFIX_CHARACTERS, _MIDDLE_CHARACTERS = 800, 300
_PIECES = Path(__file__).with_name("calibration.txt")  # 12 pieces, with a form feed between two
_CPU = torch.device("cpu")


def run_over_code(config: ModelConfig, tokenizer: Tokenizer) -> RunModel:
    """Return the function that runs this model over the code in one batch."""

    def run(source: TensorSource) -> None:
        works, pages = [], 0
        for tokens in code_sequences(tokenizer):
            end = pages + -(-len(tokens) // PAGE_TOKENS)
            works.append(Work(tokens, 0, range(pages, end), 1))
            pages = end
        # The layers run once, one after the other: all of them can have the same pages.
        memory = allocate_memory(1, pages, config.page_width, source.dtype, _CPU)
        with torch.inference_mode():
            model = load_decoder(config, source, _CPU)
            model.forward(pack_batch(works, _CPU), memory.expand(config.num_hidden_layers, -1, -1, -1))

    return run


def code_sequences(tokenizer: Tokenizer) -> Iterator[tuple[int, ...]]:
    """Encode some of Midspan's sources, every second one with a hole where the model can fill holes."""
    sentinels = tokenizer.sentinels
    bos = () if sentinels.bos is None else (sentinels.bos,)
    for i, text in enumerate(_sources()):
        if sentinels.fim is not None and i % 2:
            prefix, rest = text[:_PREFIX_CHARACTERS], text[_PREFIX_CHARACTERS:]
            middle, suffix = rest[:_MIDDLE_CHARACTERS], rest[_MIDDLE_CHARACTERS:]
            tokens = (*build_fim_prompt(tokenizer, "psm", "", prefix, suffix), *tokenizer.encode(middle))
        else:
            tokens = (*bos, *tokenizer.encode(text))
        yield tokens[:SEQUENCE_TOKENS]


def _sources() -> list[str]:
    """Read pieces of source code, which never change: the same model gets the same codes from every version."""
    return _PIECES.read_text(encoding="utf-8").split("\f")
