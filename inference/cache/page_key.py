"""The names of pages on the disk: a chain of hashes over the model and all tokens from the beginning.

A page's entries depend on every token before it, so its hash does too: a page is found by its whole prefix.
"""

import hashlib
import json
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from inference.cache.page_pool import PAGE_TOKENS
from midspan import __version__

HASH_BYTES = 16
LAYOUT_VERSION = 2  # of a page's bytes and of the files; pages of another version are not found
_SAMPLE_BYTES = 1 << 16


def model_key(folder: Path, weights: Path, form: Sequence[object]) -> bytes:
    """Return the key of a model and of the way in which it is computed.

    `folder` has the config and the tokenizer, `weights` the files that are loaded. `form` is what else a page's values
    depend on: types, the form of the weights, the instruction set. A release of Midspan may compute, mask and exclude
    in another way, so it has keys of its own.
    """
    digest = hashlib.sha256(json.dumps([LAYOUT_VERSION, __version__, *map(str, form)]).encode())
    for name in ("config.json", "tokenizer.json"):
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    for file in sorted({*folder.glob("*.safetensors"), *weights.glob("*.safetensors")}):
        found = file.stat()
        digest.update(json.dumps([file.name, found.st_size, found.st_mtime_ns]).encode())
        with file.open("rb") as stream:  # all of it would take seconds
            digest.update(stream.read(_SAMPLE_BYTES))
            stream.seek(max(0, found.st_size - _SAMPLE_BYTES))
            digest.update(stream.read(_SAMPLE_BYTES))
    return digest.digest()[:HASH_BYTES]


def page_hashes(key: bytes, tokens: Sequence[int]) -> Iterator[bytes]:
    """Yield the hash of each whole page of the tokens, from the first."""
    data = memoryview(array("i", tokens)).cast("B")
    page_bytes = PAGE_TOKENS * array("i").itemsize
    link = key
    for start in range(0, len(data) - page_bytes + 1, page_bytes):
        link = hashlib.blake2b(data[start : start + page_bytes], key=link, digest_size=HASH_BYTES).digest()
        yield link
