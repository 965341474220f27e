"""Turns text into ids and back. Sentinels exist as ids only: no text that a user writes becomes a sentinel."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from inference.model_files import TOKENIZER_FILE, read_file
from inference.prompts.families import Family
from inference.prompts.healing import Spellings, begun_word, spelling_order
from inference.prompts.kept_tokenizer import KeptTokenizer, keep_tokenizer, read_kept_tokenizer
from inference.prompts.tokenizer_file import (
    MOST_FILE_BYTES,
    TokenizerFile,
    build_tokenizer,
    is_control,
    is_panic,
    parse_tokenizer,
)
from inference.prompts.trial import pass_trial
from midspan import ModelError

T = TypeVar("T")

# The pieces that were encoded last, which are lines in most models: a few MB.
PIECE_CACHE_SIZE = 16_384
LONGEST_CACHED_PIECE = 500

# Qwen's pre-tokenizer: a newline belongs to the punctuation or the white space before it, and to blank lines after it.
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Both alternatives that can match a newline end after the last newline of a run of white space. So a line that is not
# blank, and the text before the line, are cut into words as if the other were not there.
BEFORE_A_FILLED_LINE = re.compile(r"(?<=\n)(?=[ \t]*[!-~])")
AFTER_NEWLINE = re.compile(r"(?<=\n)")


@dataclass(frozen=True)
class FimSentinels:
    """The sentinels before the prefix, the suffix and the middle."""

    begin: int
    hole: int
    end: int


@dataclass(frozen=True)
class FileSentinels:
    repository_name: int
    separator: int


@dataclass(frozen=True)
class Sentinels:
    """The ids of a model's control tokens. `fim` is None when its tokenizer has no FIM sentinels."""

    bos: int | None
    eos: int
    fim: FimSentinels | None
    files: FileSentinels | None  # None: files are told apart by path comments
    ends: frozenset[int]  # an output that reaches one of these is complete
    all: frozenset[int]  # none of these has text: each ends the output


class Tokenizer:
    """The tokenizer.json of a model folder. Safe to use from several threads."""

    def __init__(self, folder: Path, family: Family) -> None:
        """Raises ModelError when the file is missing, corrupt, dangerous or lacks BOS or EOS."""
        self.path = folder / TOKENIZER_FILE
        self.family = family
        data = read_file(folder, TOKENIZER_FILE, MOST_FILE_BYTES)
        kept = read_kept_tokenizer(data)
        if kept is None:
            kept = self._make(data)
            keep_tokenizer(data, kept)
        file = TokenizerFile(kept.definition)
        self._controls = file.controls
        self._text_tokenizer = self._guarded(partial(build_tokenizer, kept.text_only))
        self.sentinels = self._find_sentinels()
        self._bytes = kept.token_bytes
        self.spellings = Spellings(kept.token_bytes, kept.spelling_order, self._encode_whole)
        self._cut = _safe_cut(file)
        self._encode_again = lru_cache(maxsize=PIECE_CACHE_SIZE)(self._encode_whole)

    def _make(self, data: bytes) -> KeptTokenizer:
        pass_trial(data, self.path)
        file = parse_tokenizer(data, self.path)
        spelled = spell_tokens(file)
        return KeptTokenizer(file.without_vocabulary, file.text_only, spelled, spelling_order(spelled))

    def encode(self, text: str) -> list[int]:
        """Turn user text into ids without BOS or sentinels, piece by piece where that gives the ids of the whole."""
        return [token for piece in self._pieces(text) for token in self._encode_piece(piece)]

    def count(self, text: str) -> int:
        """Count the ids that `encode` gives."""
        return sum(len(self._encode_piece(piece)) for piece in self._pieces(text))

    def has_control(self, spelling: str) -> bool:
        """Return whether the tokenizer has this control token."""
        return spelling in self._controls

    def control(self, spelling: str) -> int:
        """Return the id of a control token. Raises ModelError when the tokenizer lacks it."""
        if spelling not in self._controls:
            raise ModelError(
                f"{self.path}: has no {spelling} among its added tokens; "
                f"take the tokenizer.json that belongs to the {self.family.name} model"
            )
        return self._controls[spelling]

    def token_bytes(self, token: int) -> bytes:
        """Return the UTF-8 bytes of an id, which may be a part of a character. Empty for an id without text."""
        return self._bytes[token] if 0 <= token < len(self._bytes) else b""

    def decode(self, tokens: Iterable[int]) -> str:
        """Turn ids into text; bytes that are no character become U+FFFD."""
        return b"".join(map(self.token_bytes, tokens)).decode("utf-8", errors="replace")

    def begun_word(self, prefix: str) -> str:
        """Return the begun word at the end of `prefix` that a prompt leaves out (healing), "" for none."""
        line = prefix[prefix.rfind("\n") + 1 :]
        pre_tokenizer = self._text_tokenizer.pre_tokenizer
        if not line or pre_tokenizer is None:
            return ""
        start, end = self._guarded(partial(pre_tokenizer.pre_tokenize_str, line))[-1][1]
        return begun_word(line, line[start:end], self.spellings)

    @property
    def vocab_size(self) -> int:
        """The number of ids from 0 to the last one that the file names."""
        return len(self._bytes)

    def _pieces(self, text: str) -> list[str]:
        if self._cut is None or text.find("\n", 0, -1) < 0:  # nearly all texts that are counted are one line
            return [text]
        return [piece for piece in self._cut.split(text) if piece]

    def _encode_piece(self, piece: str) -> tuple[int, ...]:
        return (self._encode_again if len(piece) <= LONGEST_CACHED_PIECE else self._encode_whole)(piece)

    def _encode_whole(self, text: str) -> tuple[int, ...]:
        return tuple(self._guarded(lambda: self._text_tokenizer.encode(text, add_special_tokens=False)).ids)

    def _guarded(self, call: Callable[[], T]) -> T:
        """Call the library. Raises ModelError for its errors and for its panics, which are no Exceptions."""
        try:
            return call()
        except BaseException as error:
            if not isinstance(error, Exception) and not is_panic(error):
                raise
            raise ModelError(f"{self.path}: cannot be used ({error}); fetch it again") from error

    def _find_sentinels(self) -> Sentinels:
        family, controls = self.family, self._controls
        bos = None if family.bos is None else self.control(family.bos)
        eos = self.control(family.eos)
        fim = (family.fim_begin, family.fim_hole, family.fim_end)
        names = (family.repository_name, family.file_separator)
        return Sentinels(
            bos=bos,
            eos=eos,
            fim=FimSentinels(*(controls[s] for s in fim)) if all(s in controls for s in fim) else None,
            files=FileSentinels(*(controls[s] for s in names if s)) if all(s in controls for s in names) else None,
            ends=frozenset((eos, *(controls[s] for s in family.other_ends if s in controls))),
            all=frozenset(controls.values()),
        )


def _safe_cut(file: TokenizerFile) -> re.Pattern[str] | None:
    """Find the pattern at which a text can be cut so that its parts have the ids of the whole; None: none is known."""
    first = next(iter(file.steps), {})
    split = first.get("pattern", {}).get("Regex")
    normalizer = file.definition.get("normalizer") or {}
    keeps_text = not normalizer or normalizer.get("normalizers") == []
    if first.get("type") != "Split" or first.get("behavior") != "Isolated":
        return None
    if split in (r"[\r\n]", "[\r\n]", "\n") and keeps_text:  # the first is the built-in model's
        return AFTER_NEWLINE
    # NFC joins nothing to an ASCII character from before it.
    return BEFORE_A_FILLED_LINE if split == QWEN_SPLIT and (keeps_text or normalizer["type"] == "NFC") else None


def spell_tokens(file: TokenizerFile) -> list[bytes]:
    """Make the table id -> bytes. Byte-level BPE spells each byte as a printable character (GPT-2's table)."""
    byte_of = {character: byte for byte, character in _byte_spellings().items()}
    size = 1 + max([*file.vocabulary.values(), *(t["id"] for t in file.added_tokens)], default=-1)
    table = [b""] * size
    for spelling, token in file.vocabulary.items():
        if all(character in byte_of for character in spelling):
            table[token] = bytes(byte_of[character] for character in spelling)
    for added in file.added_tokens:
        table[added["id"]] = b"" if is_control(added) else added["content"].encode()
    return table


def _byte_spellings() -> dict[int, str]:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    spellings = {byte: chr(byte) for byte in printable}
    return spellings | {byte: chr(256 + index) for index, byte in enumerate(others)}
