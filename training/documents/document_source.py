"""The source of training documents, drawn from the corpus, and rows of tokens filled with them.

Each language has its fixed share of the documents, and so have holes at the next of several edits, which take turns of
the first language. Document number `i` depends on the seed, the sequence length and `i` alone, so the data position of
a checkpoint is one number and a resumed run reads what an unbroken one would have read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from training.corpus.changes import ChangedFile
from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.documents.fim import SUFFIX_CHARS_PER_TOKEN, Budget, FimText, encode_fim, encode_plain
from training.documents.holes import Hole, Reach, choose_hole, choose_name_hole, skip_prose
from training.documents.recent_edits import EditText, RecentEdits
from training.documents.related import choose_context, choose_files, title_of
from training.packages.languages import LANGUAGES, Language, main_language

FIM_RATE = 0.5
# Most holes have the order in which the built-in model is asked: with the suffix first, typing changes only the end.
SPM_SHARE = 0.9
# The engine takes a begun word back from the prompt, so most middles begin where a word does; the others
# teach the model the rest of a word, for engines that do not.
WORD_SHARE = 0.85
# The share of holes, with other files before them, at a name that only the other files have: so context pays. In a
# fifth of them no such name is near.
NAME_SHARE = 0.8
# Middles and their EOS are a fortieth of the tokens; without more weight a short training learned to go on and
# not to stop.
MIDDLE_WEIGHT = 5.0
CHARS_PER_TOKEN = 3.5
# Prose fills a third of many files; holes and windows that fall into it mostly move past it.
DOCSTRINGS_SKIPPED = 0.7
# The shortest document worth starting in what is left of a row; the rest is padded with EOS.
MIN_DOCUMENT_TOKENS = 64
# Documents that take all the room; the lengths of the others are spread evenly on a log scale, so
# that long rows still teach many holes.
FULL_SHARE = 0.3
# The name of the turns of recent edits, and their number in a cycle. A short document has no room for an edit.
EDITS = "edits"
EDIT_TURNS = 4
MIN_EDIT_TOKENS = 320
EDIT_ATTEMPTS = 4
IGNORED = -100


@dataclass(frozen=True)
class Rows:
    """Inputs, targets and the targets' weights, each [rows, L], and the number of the next document."""

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    next_document: int


class DocumentSource:
    """Documents of a list of packages, each file visited in steps of about half a sequence, and of changed packages."""

    def __init__(
        self,
        packages: Sequence[list[SourceFile]],
        encoder: TextEncoder,
        sequence_tokens: int,
        seed: int,
        fim_rate: float = FIM_RATE,
        changed: Sequence[list[ChangedFile]] = (),
    ) -> None:
        self.packages = packages
        self.encoder = encoder
        self.sequence_tokens = sequence_tokens
        self.seed = seed
        self.fim_rate = fim_rate
        step = int(sequence_tokens * CHARS_PER_TOKEN / 2)
        self._units = {
            language.name: np.array(found, dtype=np.int32)
            for language in LANGUAGES
            if (found := _cut_units(packages, language, step))
        }
        self._recent_edits = RecentEdits(changed, encoder)
        turns = [language.name for language in LANGUAGES for _ in range(language.share) if language.name in self._units]
        if self._recent_edits.units:
            self._units[EDITS] = np.array(self._recent_edits.units, dtype=np.int32)
            turns[:EDIT_TURNS] = [EDITS] * EDIT_TURNS
        Random(seed).shuffle(turns)
        # Whose turn it is, and how many turns of that language were before it in the cycle.
        self._turns = [(name, turns[:place].count(name), turns.count(name)) for place, name in enumerate(turns)]
        self._orders: dict[str, tuple[int, NDArray[np.int64]]] = {}

    def draw(self, number: int, room: int) -> tuple[list[int], int]:
        """Document `number`, of at most `room` tokens (at least `MIN_DOCUMENT_TOKENS`).

        Returns its ids, and how many of them, at the end, are a middle with its EOS.
        """
        cycle, place = divmod(number, len(self._turns))
        language, before, in_cycle = self._turns[place]
        rng = Random(f"{self.seed} {self.sequence_tokens} {number}")
        if language == EDITS:
            return self._encode_edit(cycle * in_cycle + before, room, rng)
        package, file, offset = self._unit(language, cycle * in_cycle + before)
        tokens = _draw_length(room, rng)
        budget = Budget(tokens, _draw_suffix_tokens(tokens, rng), _draw_context_share(rng))
        return self._encode(package, file, offset, budget, rng)

    def _unit(self, language: str, number: int) -> tuple[int, int, int]:
        """Package, file and offset of a language's document. In an epoch each of its steps comes once."""
        units = self._units[language]
        epoch, place = divmod(number, len(units))
        if language not in self._orders or self._orders[language][0] != epoch:
            shuffle = np.random.default_rng((self.seed, self.sequence_tokens, epoch))
            self._orders[language] = epoch, shuffle.permutation(len(units))
        package, file, offset = map(int, units[self._orders[language][1][place]])
        return package, file, offset

    def _encode(self, package: int, file: int, offset: int, budget: Budget, rng: Random) -> tuple[list[int], int]:
        source = self.packages[package][file]
        text, header = source.text, title_of(source.path)
        reach = int(budget.tokens * CHARS_PER_TOKEN * 1.5)
        files = choose_files(self.packages[package], file, rng) if budget.context_share else []
        if rng.random() < DOCSTRINGS_SKIPPED:
            offset = skip_prose(source.path, text, offset)
        if rng.random() < self.fim_rate:
            near = min(len(text) - 1, offset + rng.randrange(max(1, reach // 3)))
            if rng.random() < DOCSTRINGS_SKIPPED:
                near = skip_prose(source.path, text, near)
            found = None
            if files and rng.random() < NAME_SHARE:
                shown = Reach(reach, budget.suffix_tokens * SUFFIX_CHARS_PER_TOKEN)
                found = choose_name_hole(text, near, [other.text for other in files], shown, rng)
            hole = found.hole if found else choose_hole(text, near, rng)
            context = self._context(files, text, hole.start, budget, rng, found.name if found else "")
            if rng.random() < WORD_SHARE:
                hole = Hole(self.encoder.word_start(text, hole.start), hole.end)
            before = text[: hole.start]
            start = before.rfind("\n", 0, max(0, hole.start - reach)) + 1
            parts = FimText(
                context,
                header,
                before[start:],
                text[hole.start : hole.end],
                text[hole.end : hole.end + budget.suffix_tokens * SUFFIX_CHARS_PER_TOKEN],
            )
            ids = encode_fim(self.encoder, parts, budget, rng.random() < SPM_SHARE)
            if ids is not None:
                return ids, len(self.encoder.encode(parts.middle)) + 1
        start = text.rfind("\n", 0, offset) + 1
        body = header + text[start : start + reach]
        context = self._context(files, text, offset, budget, rng)
        ids = encode_plain(self.encoder, context, body, budget)
        cut = ids[-1] == self.encoder.eos and start + reach < len(text)
        return (ids[:-1] if cut else ids), 0

    def draw_edit(self, turn: int, tokens: int, rng: Random) -> tuple[EditText, Budget] | None:
        """The hole of a turn of recent edits, for a document of so many tokens; None where the turn has none."""
        budget = Budget(tokens, _draw_suffix_tokens(tokens, rng), rng.uniform(0.35, 0.7))
        edit = self._recent_edits.draw(self._unit(EDITS, turn), budget, rng.random() < WORD_SHARE, rng)
        return None if edit is None else (edit, budget)

    def _encode_edit(self, turn: int, room: int, rng: Random) -> tuple[list[int], int]:
        """A document with a hole at the next edit; a plain text of its file where no attempt at that fits."""
        for _ in range(EDIT_ATTEMPTS):
            drawn = self.draw_edit(turn, max(min(room, MIN_EDIT_TOKENS), _draw_length(room, rng)), rng)
            if drawn is not None:
                edit, budget = drawn
                ids = encode_fim(self.encoder, edit.parts, budget, rng.random() < SPM_SHARE)
                if ids is not None:
                    return ids, len(self.encoder.encode(edit.parts.middle)) + 1
        file = self._recent_edits.file_of(self._unit(EDITS, turn))
        text = title_of(file.path) + file.text[: room * SUFFIX_CHARS_PER_TOKEN]
        return encode_plain(self.encoder, "", text, Budget(room, 0, 0.0)), 0

    def _context(
        self, files: list[SourceFile], text: str, offset: int, budget: Budget, rng: Random, name: str = ""
    ) -> str:
        """Pieces of other files for the place in the text, one with the name; none for a document that stands alone."""
        if not files:
            return ""
        window = text[max(0, offset - 600) : offset + 900]
        return choose_context(files, window, int(budget.tokens * budget.context_share * CHARS_PER_TOKEN), rng, name)

    def fill_rows(self, rows: int, number: int) -> Rows:
        """The rows that begin with document `number`.

        A row holds whole documents one after another; each starts with BOS. Padding has no weight.
        """
        inputs = np.full((rows, self.sequence_tokens + 1), self.encoder.eos, dtype=np.int64)
        targets = np.full((rows, self.sequence_tokens), IGNORED, dtype=np.int64)
        weights = np.zeros((rows, self.sequence_tokens), dtype=np.float32)
        for row in range(rows):
            used = 0
            while (room := self.sequence_tokens + 1 - used) >= MIN_DOCUMENT_TOKENS:
                ids, answer_tokens = self.draw(number, room)
                number += 1
                inputs[row, used : used + len(ids)] = ids
                # The next document's BOS is not predicted from the last token of this one.
                end = used + len(ids) - 1
                targets[row, used:end] = ids[1:]
                weights[row, used:end] = 1.0
                weights[row, end - answer_tokens : end] = MIDDLE_WEIGHT
                used += len(ids)
        return Rows(inputs[:, :-1], targets, weights, number)


def _cut_units(packages: Sequence[list[SourceFile]], language: Language, step: int) -> list[tuple[int, int, int]]:
    """Package, file and offset of every step in the files of a language's packages."""
    return [
        (package, file, offset)
        for package, files in enumerate(packages)
        if main_language([source.path for source in files]) == language
        for file, source in enumerate(files)
        for offset in range(0, max(1, len(source.text) - 80), step)
    ]


def _draw_length(room: int, rng: Random) -> int:
    if rng.random() < FULL_SHARE:
        return room
    growth: float = (room / MIN_DOCUMENT_TOKENS) ** rng.random()
    return round(MIN_DOCUMENT_TOKENS * growth)


def _draw_suffix_tokens(tokens: int, rng: Random) -> int:
    chance = rng.random()
    if chance < 0.08:
        return 0
    if chance < 0.65:
        return rng.randint(1, 64)
    return rng.randint(1, max(1, tokens // 3))


def _draw_context_share(rng: Random) -> float:
    return 0.0 if rng.random() < 0.4 else rng.uniform(0.2, 0.7)
