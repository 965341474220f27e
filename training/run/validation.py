"""Losses on the held-out packages: plain text of Python, and documents with a hole of each language and at edits."""

from collections.abc import Sequence

import torch

from training.corpus.changes import ChangedFile
from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.documents.document_source import EDITS, MIDDLE_WEIGHT, DocumentSource, Rows
from training.model.deepseek_v2 import Model
from training.packages.languages import LANGUAGES, PYTHON, main_language

ROWS_AT_ONCE = 8
VALIDATION_SEED = 7


class Validation:
    """Losses on the same rows every time, so that runs of one sequence length can be compared.

    Python has half of the tokens, the others share the rest. Holes at the next edit have as many as another language.
    """

    def __init__(
        self,
        packages: Sequence[list[SourceFile]],
        encoder: TextEncoder,
        sequence_tokens: int,
        tokens: int = 65_536,
        changed: Sequence[list[ChangedFile]] = (),
    ) -> None:
        self.sets: dict[str, Rows] = {}
        for language in LANGUAGES:
            own = [files for files in packages if main_language([file.path for file in files]) == language]
            if not own:
                continue
            is_python = language == PYTHON
            ending = "" if is_python else f"_{language.name}"
            for name, fim_rate in (("plain", 0.0), ("fim", 1.0)) if is_python else (("fim", 1.0),):
                source = DocumentSource(own, encoder, sequence_tokens, VALIDATION_SEED, fim_rate)
                rows = max(1, tokens // (4 if is_python else 8) // sequence_tokens)
                self.sets[name + ending] = source.fill_rows(rows, 0)
        if changed:
            source = DocumentSource((), encoder, sequence_tokens, VALIDATION_SEED, changed=changed)
            self.sets[f"fim_{EDITS}"] = source.fill_rows(max(1, tokens // 8 // sequence_tokens), 0)

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
            if name.startswith("fim"):
                result[f"val_middle{name.removeprefix('fim')}"] = round(middle / len(rows.inputs), 4)
        return result
