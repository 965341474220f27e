"""A document as token ids: plain, or with a hole in the orders PSM and SPM.

    plain: BOS context prefix EOS
    PSM:   BOS begin context prefix hole suffix end middle EOS
    SPM:   BOS context hole suffix begin prefix end middle EOS

Both orders use the sentinels of the released models. In both a sentinel before the middle says that an answer
begins here: without it a middle looks like more of the prefix, and what ends it is hardly learned. Every part is
tokenized on its own, as the engine does it: the character before the cursor and the one after never share a token.
"""

from dataclasses import dataclass

from training.corpus.tokenizer import TextEncoder

SENTINELS_OF_FIM = 5
# Text for a suffix is cut generously, its tokens exactly.
SUFFIX_CHARS_PER_TOKEN = 6


@dataclass(frozen=True)
class FimText:
    """A document with a hole. `header` is the current file's path comment, kept whole.

    `context` is pieces of other files, each under its path comment; `prefix` and `suffix` are the
    current file's text before and after the hole, of any length.
    """

    context: str
    header: str
    prefix: str
    middle: str
    suffix: str


@dataclass(frozen=True)
class Budget:
    """The most tokens the document may have, and shares of it for suffix and context."""

    tokens: int
    suffix_tokens: int
    context_share: float


def keep_last_lines(ids: list[int], limit: int, newline: int) -> list[int]:
    """The last whole lines that fit the limit; the line of the cursor is cut if it must be."""
    if len(ids) <= limit:
        return ids
    kept = ids[len(ids) - limit :] if limit > 0 else []
    return kept[kept.index(newline) + 1 :] if newline in kept[:-1] else kept


def encode_fim(encoder: TextEncoder, text: FimText, budget: Budget, spm: bool) -> list[int] | None:
    """Ids of at most `budget.tokens`, or None when the middle leaves too little for the rest."""
    middle = encoder.encode(text.middle)
    header = encoder.encode(text.header)
    room = budget.tokens - len(middle) - len(header) - SENTINELS_OF_FIM
    if room < budget.tokens // 4:
        return None
    suffix = encoder.encode(text.suffix)[: min(budget.suffix_tokens, room // 2)]
    room -= len(suffix)
    prefix = encoder.encode(text.prefix)
    prefix_room = room - int(room * budget.context_share) if text.context else room
    prefix = header + keep_last_lines(prefix, prefix_room, encoder.newline)
    context_room = room + len(header) - len(prefix)
    context: list[int] = []
    if text.context:
        context = keep_last_lines(encoder.encode(text.context), context_room, encoder.newline)
    bos, begin, hole, end, eos = encoder.bos, encoder.begin, encoder.hole, encoder.end, encoder.eos
    if spm:
        return [bos, *context, hole, *suffix, begin, *prefix, end, *middle, eos]
    return [bos, begin, *context, *prefix, hole, *suffix, end, *middle, eos]


def encode_plain(encoder: TextEncoder, context: str, text: str, budget: Budget) -> list[int]:
    """Ids of at most `budget.tokens`. `text` is cut at the right, and only a whole one has EOS."""
    room = budget.tokens - 2
    before: list[int] = []
    if context:
        before = keep_last_lines(encoder.encode(context), int(room * budget.context_share), encoder.newline)
    body = encoder.encode(text)
    whole = len(before) + len(body) <= room
    ids = [encoder.bos, *before, *body[: room - len(before)]]
    return [*ids, encoder.eos] if whole else ids
