"""Text to ids and back. Sentinels exist as ids only: no text that a user can write becomes one."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as HfTokenizer

from inference.families import Family
from midspan import ModelError

LINE_CACHE_SIZE = 65_536


@dataclass(frozen=True)
class Sentinels:
    """The ids of a model's control tokens. `fim` is None when its tokenizer has no FIM sentinels."""

    bos: int
    eos: int
    fim: "FimSentinels | None"

    @property
    def all(self) -> frozenset[int]:
        fim = (self.fim.begin, self.fim.hole, self.fim.end) if self.fim else ()
        return frozenset((self.bos, self.eos, *fim))


@dataclass(frozen=True)
class FimSentinels:
    begin: int
    hole: int
    end: int


class Tokenizer:
    """The tokenizer.json of a model folder. Safe to use from several threads."""

    def __init__(self, folder: Path, family: Family) -> None:
        """Raises ModelError when the file is missing, corrupt or lacks BOS or EOS."""
        self.path = folder / "tokenizer.json"
        definition = self._read_definition()
        added = {token["content"]: int(token["id"]) for token in definition["added_tokens"]}
        self.sentinels = self._find_sentinels(family, added)
        self._bytes = _token_bytes(definition)
        self._lines_are_independent = _isolates_newlines(definition)
        # Without its control tokens the tokenizer cannot produce one, whatever the text says.
        definition["added_tokens"] = [t for t in definition["added_tokens"] if not _is_control(t)]
        definition["post_processor"] = None
        self._text_tokenizer = HfTokenizer.from_str(json.dumps(definition))
        self._encode_line = lru_cache(maxsize=LINE_CACHE_SIZE)(self._encode_whole)

    def encode(self, text: str) -> list[int]:
        """User text to ids: no BOS, no sentinel. Line by line where that gives the same ids as the whole."""
        if not self._lines_are_independent:
            return list(self._encode_whole(text))
        return [token for line in _split_lines(text) for token in self._encode_line(line)]

    def count(self, text: str) -> int:
        """How many ids `encode` gives."""
        if not self._lines_are_independent:
            return len(self._encode_whole(text))
        return sum(len(self._encode_line(line)) for line in _split_lines(text))

    def token_bytes(self, token: int) -> bytes:
        """The UTF-8 bytes of one id; a part of a character is possible. Empty for an id without text."""
        return self._bytes[token] if 0 <= token < len(self._bytes) else b""

    def decode(self, tokens: Iterable[int]) -> str:
        """Ids to text; bytes that are no character become U+FFFD."""
        return b"".join(map(self.token_bytes, tokens)).decode("utf-8", errors="replace")

    @property
    def vocab_size(self) -> int:
        """Ids from 0 to the last one that the file names."""
        return len(self._bytes)

    def _encode_whole(self, text: str) -> tuple[int, ...]:
        return tuple(self._text_tokenizer.encode(text, add_special_tokens=False).ids)

    def _read_definition(self) -> dict[str, Any]:
        try:
            definition: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            if definition["model"]["type"] != "BPE":
                raise ModelError(f"{self.path}: is not a byte-level BPE tokenizer")
            definition["added_tokens"] = definition.get("added_tokens") or []
            HfTokenizer.from_str(json.dumps(definition))
        except FileNotFoundError:
            raise ModelError(f"{self.path}: missing; fetch it with the model") from None
        except ModelError:
            raise
        except Exception as error:  # tokenizers raises bare Exception for a file it cannot use
            raise ModelError(f"{self.path}: cannot be read ({error}); fetch it again") from error
        return definition

    def _find_sentinels(self, family: Family, added: dict[str, int]) -> Sentinels:
        for spelling in (family.bos, family.eos):
            if spelling not in added:
                raise ModelError(
                    f"{self.path}: has no {spelling} among its added tokens; "
                    f"take the tokenizer.json that belongs to the {family.name} model"
                )
        fim_spellings = (family.fim_begin, family.fim_hole, family.fim_end)
        fim = FimSentinels(*(added[s] for s in fim_spellings)) if all(s in added for s in fim_spellings) else None
        return Sentinels(bos=added[family.bos], eos=added[family.eos], fim=fim)


def _is_control(added_token: dict[str, Any]) -> bool:
    """DeepSeek-Coder v1 adds plain letters as tokens too; those are text and stay."""
    return bool(added_token["special"]) or added_token["content"].startswith("<")


def _isolates_newlines(definition: dict[str, Any]) -> bool:
    """True when the pre-tokenizer cuts at every newline first, so that no token reaches across one."""
    pre_tokenizer = definition.get("pre_tokenizer") or {}
    first: dict[str, Any] = (pre_tokenizer.get("pretokenizers") or [pre_tokenizer])[0]
    cut = first.get("pattern", {}).get("Regex")
    isolated = first.get("type") == "Split" and first.get("behavior") == "Isolated"
    plain_text = not (definition.get("normalizer") or {}).get("normalizers", [])
    return isolated and cut in ("[\r\n]", "\n") and plain_text


def _split_lines(text: str) -> list[str]:
    """Lines with their "\\n"; str.splitlines would cut at characters that are no newline token."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def _token_bytes(definition: dict[str, Any]) -> list[bytes]:
    """id -> bytes. Byte-level BPE spells each byte as one printable character (GPT-2's table)."""
    byte_of = {character: byte for byte, character in _byte_spellings().items()}
    vocabulary: dict[str, int] = definition["model"]["vocab"]
    added = definition["added_tokens"]
    size = 1 + max([*vocabulary.values(), *(t["id"] for t in added)], default=-1)
    table = [b""] * size
    for spelling, token in vocabulary.items():
        if all(character in byte_of for character in spelling):
            table[token] = bytes(byte_of[character] for character in spelling)
    for token in added:
        table[token["id"]] = b"" if _is_control(token) else token["content"].encode()
    return table


def _byte_spellings() -> dict[int, str]:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    spellings = {byte: chr(byte) for byte in printable}
    return spellings | {byte: chr(256 + index) for index, byte in enumerate(others)}
