"""The copy distribution of one request: what its prompt and its drafts say about the next token."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from inference.api import Request
from inference.copying.continuations import LONGEST_SUFFIX_TOKENS, Continuations, Suffixes
from inference.copying.weights import LITTLE_TEXT_TOKENS, CopyWeights
from inference.prompts.prompt import split_at_hole
from inference.prompts.tokenizer import Tokenizer


@dataclass(frozen=True)
class Copied:
    """A distribution over a few tokens and over the end of the line, and its weight in the mixture with the model's.

    What stands elsewhere says that a line ends, and not whether the output ends with it: the model splits that share
    between `line_ends`, which are line ends and ends of an output.
    """

    tokens: tuple[int, ...]
    probabilities: tuple[float, ...]
    weight: float
    line_ends: tuple[int, ...] = ()
    line_end_share: float = 0.0


class Copier:
    """Follows the output of one request. Each of its tokens goes through `push`, in order. Engine thread only.

    A greedy and a sampled output, a healed and a drafted one have the same distribution behind the same tokens.
    """

    def __init__(self, request: Request, tokenizer: Tokenizer, weights: CopyWeights) -> None:
        self._drafts = request.drafts
        self._stands_alone = request.stands_alone
        self._tokenizer = tokenizer
        self._weights = weights
        self._newlines = frozenset(tokenizer.spellings.begun_with(b"\n"))
        self._line_ends = (*self._newlines, *tokenizer.sentinels.ends)
        self._suffixes: Suffixes | None = None

    def begin(self, prompt_tokens: Sequence[int]) -> None:
        """Take in the prompt that is read, before the first token: the whole one, or the quick one."""
        sentinels = self._tokenizer.sentinels
        before, suffix = split_at_hole(prompt_tokens, sentinels.fim)
        texts = list(self._texts(before, suffix))
        if suffix and len(before) + len(suffix) < len(prompt_tokens):  # in the order "spm", `before` has it
            texts.append(suffix)
        self._suffixes = Suffixes(texts, before, sentinels.all)

    def push(self, token: int) -> None:
        """Follow the output by one `token` of text."""
        if self._suffixes is not None:
            self._suffixes.push(token)

    @property
    def in_little_text(self) -> bool:
        """True when a document stands alone that has few tokens: prompt and drafts, each text counted once.

        Another file beside it is there to be copied from, however short both are.
        """
        text_tokens = 0 if self._suffixes is None else self._suffixes.text_tokens
        return self._stands_alone and text_tokens < LITTLE_TEXT_TOKENS

    def continuations(self) -> Continuations | None:
        """Return what stands behind the longest suffix of the text so far; None: nothing does."""
        return None if self._suffixes is None else self._suffixes.find()

    def copied(self) -> Copied | None:
        """Return the distribution over the next token; None: the model alone says what comes."""
        found = self.continuations()
        if found is None or not (weight := self._weights.weight(found, in_little_text=self.in_little_text)):
            return None
        shares = {token: count / found.seen for token, count in zip(found.tokens, found.counts, strict=True)}
        end_share = sum(shares.pop(token) for token in found.tokens if token in self._newlines)
        ends = self._line_ends if end_share else ()
        return Copied(tuple(shares), tuple(shares.values()), weight, ends, end_share)

    def _texts(self, before: Sequence[int], suffix: Sequence[int]) -> Iterator[Sequence[int]]:
        """Yield the drafts: of the documents, the parts that the prompt lacks; and the lines, which begin as this does.

        What the model wrote here before is left out: it would be its own witness.
        """
        whole, begun = self._split_line(before)
        for draft in self._drafts:
            if draft.source == "document":
                tokens, _ = self._split_line(draft.tokens)  # a begun line may have other tokens than a whole one
                yield tokens[_same_at_start(tokens, suffix) : len(tokens) - _same_at_end(tokens, whole)]
            elif draft.source == "lines":
                yield [*begun, *draft.tokens]

    def _split_line(self, tokens: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
        """Split tokens behind the last line end; of the rest, the last few are returned."""
        place = len(tokens)
        while place and b"\n" not in self._tokenizer.token_bytes(tokens[place - 1]):
            place -= 1
        return tokens[:place], tokens[place:][-LONGEST_SUFFIX_TOKENS:]


def begin_copying(request: Request, tokenizer: Tokenizer, weights: CopyWeights | None) -> Copier | None:
    """Return the copier of a request; None where it may not copy, or the model has learned no weights."""
    return Copier(request, tokenizer, weights) if request.may_copy and weights is not None else None


def _same_at_start(tokens: Iterable[int], others: Iterable[int]) -> int:
    pairs = zip(tokens, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _same_at_end(tokens: Sequence[int], others: Sequence[int]) -> int:
    return _same_at_start(reversed(tokens), reversed(others))
