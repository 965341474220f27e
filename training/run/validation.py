"""Losses on the held-out packages: plain text, and documents that all have a hole."""

from collections.abc import Sequence

import torch

from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.documents.document_source import MIDDLE_WEIGHT, DocumentSource
from training.model.deepseek_v2 import Model

ROWS_AT_ONCE = 8
VALIDATION_SEED = 7


class Validation:
    """Losses on the same rows every time, so that runs of one sequence length can be compared."""

    def __init__(
        self,
        packages: Sequence[list[SourceFile]],
        encoder: TextEncoder,
        sequence_tokens: int,
        tokens: int = 32_768,
    ) -> None:
        rows = max(1, tokens // sequence_tokens)
        self.sets = {}
        for name, fim_rate in (("plain", 0.0), ("fim", 1.0)):
            source = DocumentSource(packages, encoder, sequence_tokens, VALIDATION_SEED, fim_rate)
            self.sets[name] = source.fill_rows(rows, 0)

    @torch.no_grad()
    def losses(self, model: Model) -> dict[str, float]:
        """Mean cross-entropy (nats a token) of each set, with no expert choice dropped; `middle` is of the middles."""
        device = model.embed_tokens.weight.device
        result = {}
        for name, rows in self.sets.items():
            total = middle = 0.0
            for first in range(0, len(rows.inputs), ROWS_AT_ONCE):
                part = slice(first, first + ROWS_AT_ONCE)
                ids, wanted = (torch.from_numpy(ids[part]).to(device) for ids in (rows.inputs, rows.targets))
                in_middle = torch.from_numpy(rows.weights[part] == MIDDLE_WEIGHT).to(device)
                of_middle, of_all, _, _ = model(ids, wanted, in_middle, model.shape.n_routed_experts)
                total += of_all.item() * len(ids)
                middle += of_middle.item() * len(ids)
            result[f"val_{name}"] = round(total / len(rows.inputs), 4)
            if name == "fim":
                result["val_middle"] = round(middle / len(rows.inputs), 4)
        return result
