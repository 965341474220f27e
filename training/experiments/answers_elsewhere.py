"""Counts the holes that another file answers: with a name that the context has and the current file has not yet.

    python -m training.experiments.answers_elsewhere --rows 400

Holes in the order SPM are counted, whose context can be told from the prefix.
"""

import argparse
from collections import Counter
from dataclasses import dataclass

from training.corpus.files import load_files
from training.corpus.tokenizer import TextEncoder, load_encoder
from training.documents.document_source import MIN_DOCUMENT_TOKENS, DocumentSource
from training.documents.related import IDENTIFIER, identifiers
from training.run.settings import DECAY_FIM_RATE, TrainSettings


@dataclass(frozen=True)
class Parts:
    """The texts of a document with a hole."""

    context: str
    prefix: str
    middle: str
    suffix: str


def split_document(ids: list[int], encoder: TextEncoder) -> Parts | None:
    """The parts of a document in the order SPM; None for any other."""
    if encoder.end not in ids or encoder.hole not in ids or ids.index(encoder.begin) < ids.index(encoder.hole):
        return None
    hole, begin, end = (ids.index(mark) for mark in (encoder.hole, encoder.begin, encoder.end))
    pieces = ids[1:hole], ids[begin + 1 : end], ids[end + 1 : -1], ids[hole + 1 : begin]
    return Parts(*map(encoder.decode, pieces))


def answer_is_elsewhere(parts: Parts) -> bool:
    """Return whether a name in the middle stands in the context alone. It may begin in the prefix."""
    begun = len(parts.prefix)
    text = parts.prefix + parts.middle
    names = [match for match in IDENTIFIER.finditer(text) if match.end() > begun]
    if not names:
        return False
    before = identifiers(text[: min(begun, names[0].start())]) | identifiers(parts.suffix)
    return any(match.group() in identifiers(parts.context) - before for match in names)


def main() -> None:
    """Command line of the count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--sequence", type=int, default=1024)
    arguments = parser.parse_args()
    encoder, seed = load_encoder(), TrainSettings.seed
    source = DocumentSource(load_files("train"), encoder, arguments.sequence, seed, DECAY_FIM_RATE)
    counts: Counter[str] = Counter()
    number = 0
    for _ in range(arguments.rows):
        room, found = arguments.sequence + 1, False
        while room >= MIN_DOCUMENT_TOKENS:
            ids, middle = source.draw(number, room)
            number, room = number + 1, room - len(ids)
            counts["documents"] += 1
            counts["holes"] += middle > 0
            parts = split_document(ids, encoder) if middle else None
            if parts is not None:
                counts["holes in SPM"] += 1
                counts["with other files"] += bool(parts.context)
                elsewhere = answer_is_elsewhere(parts)
                counts["answered elsewhere"] += elsewhere
                found |= elsewhere
        counts["rows with such a hole"] += found
        counts["rows"] += 1
    print(dict(counts))
    print(
        f"{counts['answered elsewhere'] / counts['holes in SPM']:.3f} of the holes in SPM are answered in another file"
    )


if __name__ == "__main__":
    main()
