"""Held-out loss per character, so that models with different vocabularies can be compared.

The documents are drawn once, in the corpus's own tokens; another tokenizer encodes the same text anew.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.documents.document_source import DocumentSource
from training.model.deepseek_v2 import Model
from training.run.validation import VALIDATION_SEED


@dataclass(frozen=True)
class HeldOutDocument:
    """A document as text with sentinels between (as indices into `SENTINELS`); the last piece may be a middle."""

    parts: tuple[str | int, ...]
    has_middle: bool

    @property
    def middle(self) -> str:
        """The text in the hole."""
        piece = self.parts[-2] if self.has_middle else ""
        return piece if isinstance(piece, str) else ""

    @property
    def characters(self) -> int:
        """The characters of the text; a sentinel has none."""
        return sum(len(part) for part in self.parts if isinstance(part, str))

    def ids(self, encoder: TextEncoder) -> list[int]:
        """The document in this tokenizer's ids."""
        ids: list[int] = []
        for part in self.parts:
            ids += encoder.encode(part) if isinstance(part, str) else [encoder.bos + part]
        return ids


@dataclass(frozen=True)
class BitsPerCharacter:
    """Losses of plain text, of documents with a hole, and of their middles. A sentinel costs bits and no characters."""

    plain: float
    fim: float
    middle: float


def bits_per_character(nats: float, characters: int) -> float:
    """Convert the loss of a whole text, which does not depend on how it was split into tokens."""
    return nats / math.log(2) / characters


def split_at_sentinels(ids: Sequence[int], encoder: TextEncoder) -> Iterator[str | int]:
    """Text and sentinels in turn."""
    piece: list[int] = []
    for one in ids:
        if one < encoder.bos:
            piece.append(one)
            continue
        if piece:
            yield encoder.decode(piece)
        piece = []
        yield one - encoder.bos
    if piece:
        yield encoder.decode(piece)


def draw_held_out(
    packages: Sequence[list[SourceFile]], encoder: TextEncoder, tokens: int, count: int, fim_rate: float
) -> list[HeldOutDocument]:
    """The same `count` documents every time, each of at most `tokens` tokens of this encoder."""
    source = DocumentSource(packages, encoder, tokens, VALIDATION_SEED, fim_rate)
    documents = []
    for number in range(count):
        ids, answer_tokens = source.draw(number, tokens)
        # A middle is a piece of its own, whatever sentinel stands before it.
        answer = len(ids) - answer_tokens
        parts = *split_at_sentinels(ids[:answer], encoder), *split_at_sentinels(ids[answer:], encoder)
        documents.append(HeldOutDocument(parts, answer_tokens > 1))
    return documents


@torch.no_grad()
def document_nats(model: Model, document: HeldOutDocument, encoder: TextEncoder) -> tuple[float, float]:
    """The loss of the whole document, summed over its tokens, and of its middle and the EOS after it."""
    ids = torch.tensor([document.ids(encoder)])
    losses = F.cross_entropy(model.logits(ids)[0, :-1].float(), ids[0, 1:], reduction="none")
    answer_tokens = len(encoder.encode(document.middle)) + 1 if document.has_middle else 0
    return losses.sum().item(), losses[len(losses) - answer_tokens :].sum().item()


def measure_bits(
    model: Model, encoder: TextEncoder, plain: Sequence[HeldOutDocument], with_hole: Sequence[HeldOutDocument]
) -> BitsPerCharacter:
    """The three losses over all documents, each character weighing the same."""
    plain_nats = sum(document_nats(model, document, encoder)[0] for document in plain)
    filled = [document for document in with_hole if document.has_middle]
    nats = [document_nats(model, document, encoder) for document in filled]
    return BitsPerCharacter(
        bits_per_character(plain_nats, sum(document.characters for document in plain)),
        bits_per_character(sum(whole for whole, _ in nats), sum(document.characters for document in filled)),
        bits_per_character(sum(middle for _, middle in nats), sum(len(document.middle) for document in filled)),
    )
