"""Tokenizers as this process would make them of their files, kept in the user's cache: later starts read no more.

To parse a vocabulary of 152,000, to check it, to spell its tokens and to sort them takes 0.4 s of Python, while the
engine imports torch. A kept tokenizer has passed its trial and all checks. A file that is damaged, or of another
version, is not read.
"""

import hashlib
import json
import struct
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import tokenizers

from midspan.whole_file import write_whole

_VERSION = 2  # of what is kept, and of the checks that it has passed
_LEAST_BYTES = 1 << 20  # a smaller tokenizer.json is read in no time
_MOST_FILES = 8  # the oldest go first
_HEAD = struct.Struct("<QQQQ")


@dataclass(frozen=True)
class KeptTokenizer:
    """`definition` is that of the file without its vocabulary, `text_only` what the library builds the tokenizer of.

    `spelling_order` holds the ids with text, sorted by their bytes.
    """

    definition: dict[str, Any]
    text_only: bytes
    token_bytes: Sequence[bytes]
    spelling_order: "array[int]"


def read_kept_tokenizer(data: bytes) -> KeptTokenizer | None:
    """Read what was kept of the content of a tokenizer.json; None: nothing, or it is damaged."""
    try:
        kept = _path(data).read_bytes()
        checksum, content = kept[:32], kept[32:]
        if hashlib.sha256(content).digest() != checksum:
            return None
        sizes = _HEAD.unpack_from(content)
        parts, place = [], _HEAD.size
        for size in sizes:
            parts.append(content[place : place + size])
            place += size
        definition, text_only, lengths = json.loads(parts[0]), parts[1], array("H", parts[2])
        order = array("q", parts[3])
    except (OSError, ValueError, struct.error):
        return None
    table = []
    for length in lengths:
        table.append(content[place : place + length])
        place += length
    return KeptTokenizer(definition, text_only, table, order)


def keep_tokenizer(data: bytes, kept: KeptTokenizer) -> None:
    """Keep a tokenizer that was made of this content, unless it is small. Without a cache it is made at each start."""
    if len(data) < _LEAST_BYTES or max(map(len, kept.token_bytes), default=0) >= 1 << 16:
        return
    lengths = array("H", map(len, kept.token_bytes)).tobytes()
    parts = (json.dumps(kept.definition).encode(), kept.text_only, lengths, kept.spelling_order.tobytes())
    content = b"".join((_HEAD.pack(*map(len, parts)), *parts, *kept.token_bytes))
    path = _path(data)
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, hashlib.sha256(content).digest() + content)
        others = sorted(path.parent.iterdir(), key=lambda file: file.stat().st_mtime)
        for old in others[:-_MOST_FILES]:
            old.unlink(missing_ok=True)


def _path(data: bytes) -> Path:
    digest = hashlib.sha256(f"{_VERSION} {tokenizers.__version__} ".encode() + data).hexdigest()
    return platformdirs.user_cache_path("midspan") / "tokenizers" / digest
