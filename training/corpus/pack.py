"""The corpus as one file of tokens, for a machine without the corpus and without a network.

    python -m training.corpus.pack --out corpus.safetensors           # at most 60 MB
    python -m training --packed corpus.safetensors --minutes 9 # there: the same recipe, from random weights or a run

The file holds whole source files, each as its ids (uint16), and in its header their paths and imports and the
tokenizer. Byte-level ids decode to the very text, so holes are cut at characters and drawn anew in every epoch, as from
the corpus itself.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from training.corpus.changes import ChangedFile, Hunk, load_changes
from training.corpus.files import SourceFile, load_files
from training.corpus.tokenizer import TextEncoder, load_encoder

MOST_BYTES = 60_000_000
TOKEN_BYTES = 2
# The estimate of a token's characters before anything is tokenized: rather too many, the surplus is cut.
MANY_CHARS_PER_TOKEN = 3.5
PARTS = ("train", "held_out")
CHANGED_PARTS = ("changed", "held_out_changed")
# The changes between releases have this part of the room at most: theirs are as many of the documents.
CHANGES_SHARE = 0.08


@dataclass(frozen=True)
class Corpus:
    """All that training reads: packages of files in import order, the encoder, and packages with two releases."""

    train: list[list[SourceFile]]
    held_out: list[list[SourceFile]]
    encoder: TextEncoder
    changed: list[list[ChangedFile]] = field(default_factory=list)
    held_out_changed: list[list[ChangedFile]] = field(default_factory=list)


def load_corpus() -> Corpus:
    """The corpus in the cache folder."""
    train, held_out = (load_files(part) for part in PARTS)
    changed, held_out_changed = (load_changes(part) for part in PARTS)
    return Corpus(train, held_out, load_encoder(), changed, held_out_changed)


@dataclass(frozen=True)
class _TokenizedFile:
    path: str
    imports: tuple[int, ...]
    ids: NDArray[np.uint16]

    @property
    def size_bytes(self) -> int:
        """The bytes of the ids and of the entry in the header."""
        return len(self.ids) * TOKEN_BYTES + len(json.dumps([self.path, self.imports, len(self.ids)])) + 2


def write_packed(path: Path, corpus: Corpus, most_bytes: int = MOST_BYTES) -> int:
    """Write the file; return the number of its tokens to train on. Held-out packages are whole, large others are cut.

    Imported files come before their importers, so the beginning of a package is whole in itself.
    """
    tokenizer = corpus.encoder.text_only.to_str()
    held_out = [_tokenize(package, corpus.encoder) for package in corpus.held_out]
    held_out_changed = [_tokenize(joined, corpus.encoder) for joined in map(_join, corpus.held_out_changed)]
    room = most_bytes - len(json.dumps(tokenizer).encode()) - 4096
    room -= _size_bytes(held_out) + _size_bytes(held_out_changed)
    if room <= 0:
        raise SystemExit(f"{most_bytes} bytes are too few: the tokenizer and the held-out packages alone take more")
    changed = _tokenize_within(list(map(_join, corpus.changed)), int(room * CHANGES_SHARE), corpus.encoder)
    kept = [package[: len(files)] for package, files in zip(corpus.changed, changed, strict=True)]
    hunks = json.dumps([_describe_hunks(kept), _describe_hunks(corpus.held_out_changed)])
    room -= _size_bytes(changed) + len(json.dumps(hunks))
    train = _tokenize_within(corpus.train, room, corpus.encoder)
    tensors, entries = {}, {}
    for part, packages in zip((*PARTS, *CHANGED_PARTS), (train, held_out, changed, held_out_changed), strict=True):
        ids = [file.ids for package in packages for file in package]
        tensors[part] = np.concatenate(ids) if ids else np.empty(0, np.uint16)
        entries[part] = [_describe(package) for package in packages]
    partial = path.with_name(f"{path.name}.partial")
    save_file(tensors, partial, {"files": json.dumps(entries), "hunks": hunks, "tokenizer": tokenizer})
    if partial.stat().st_size > most_bytes:
        raise SystemExit(f"the packed file has {partial.stat().st_size} bytes, over {most_bytes}")
    partial.replace(path)
    return len(tensors["train"])


def read_packed(path: Path) -> Corpus:
    """The corpus in a packed file. Raises SystemExit for another kind of file."""
    try:
        with safe_open(path, "numpy") as file:
            header = file.metadata() or {}
            encoder = TextEncoder(Tokenizer.from_str(header["tokenizer"]))
            entries = json.loads(header["files"])
            train, held_out = (_unpack(file.get_tensor(part), entries[part], encoder) for part in PARTS)
            changed: list[list[ChangedFile]] = []
            held_out_changed: list[list[ChangedFile]] = []
            if "hunks" in header:  # not in a file from before there were any
                changed, held_out_changed = (
                    _split(_unpack(file.get_tensor(part), entries[part], encoder), hunks)
                    for part, hunks in zip(CHANGED_PARTS, json.loads(header["hunks"]), strict=True)
                )
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise SystemExit(
            f"{path} is not a packed corpus ({error}). Pack one: python -m training.corpus.pack --out FILE"
        ) from error
    return Corpus(train, held_out, encoder, changed, held_out_changed)


def _join(package: Sequence[ChangedFile]) -> list[SourceFile]:
    """Each file's old text with its new texts behind it."""
    return [
        SourceFile(file.path, file.old + "".join(hunk.new for hunk in file.hunks), file.imports) for file in package
    ]


def _describe_hunks(packages: Sequence[Sequence[ChangedFile]]) -> list[list[list[tuple[int, int, int, bool]]]]:
    """For each hunk of each file its old lines, the characters of its new text, and whether it changes code."""
    return [
        [[(hunk.start, hunk.end, len(hunk.new), hunk.is_code) for hunk in file.hunks] for file in package]
        for package in packages
    ]


def _split(packages: list[list[SourceFile]], hunks: list[list[list[Any]]]) -> list[list[ChangedFile]]:
    return [
        [_split_file(file, entries) for file, entries in zip(files, of_files, strict=True)]
        for files, of_files in zip(packages, hunks, strict=True)
    ]


def _split_file(joined: SourceFile, entries: list[Any]) -> ChangedFile:
    at = len(joined.text) - sum(chars for _, _, chars, _ in entries)
    old, hunks = joined.text[:at], []
    for start, end, chars, is_code in entries:
        hunks.append(Hunk(start, end, joined.text[at : at + chars], is_code))
        at += chars
    return ChangedFile(joined.path, old, joined.imports, tuple(hunks))


def _tokenize_within(
    packages: Sequence[list[SourceFile]], room: int, encoder: TextEncoder
) -> list[list[_TokenizedFile]]:
    """The packages cut to so many bytes, the largest first."""
    chars = room / TOKEN_BYTES * MANY_CHARS_PER_TOKEN
    longest = _level([sum(len(file.text) for file in package) for package in packages], chars)
    tokenized = [_tokenize(_beginning(package, longest), encoder) for package in packages]
    _cut_to(tokenized, room)
    return tokenized


def _tokenize(package: Sequence[SourceFile], encoder: TextEncoder) -> list[_TokenizedFile]:
    encoded = encoder.text_only.encode_batch([file.text for file in package], add_special_tokens=False)
    return [
        _TokenizedFile(file.path, file.imports, np.array(one.ids, dtype=np.uint16))
        for file, one in zip(package, encoded, strict=True)
    ]


def _unpack(ids: NDArray[np.uint16], packages: list[list[Any]], encoder: TextEncoder) -> list[list[SourceFile]]:
    start, unpacked = 0, []
    for package in packages:
        parts = []
        for _, _, tokens in package:
            parts.append(ids[start : start + tokens].tolist())
            start += tokens
        texts = encoder.text_only.decode_batch(parts, skip_special_tokens=False)
        files = [
            SourceFile(path, text, tuple(imports)) for (path, imports, _), text in zip(package, texts, strict=True)
        ]
        unpacked.append(files)
    return unpacked


def _size_bytes(packages: Sequence[Sequence[_TokenizedFile]]) -> int:
    return sum(file.size_bytes for package in packages for file in package)


def _level(sizes: Sequence[int], room: float) -> float:
    """The size to which larger packages are cut so that all together fill the room."""
    left, waiting = room, sorted(sizes)
    while waiting:
        share = left / len(waiting)
        if waiting[0] > share:
            return share
        left -= waiting.pop(0)
    return float(max(sizes, default=0))


def _beginning(package: Sequence[SourceFile], chars: float) -> list[SourceFile]:
    """The first whole files that have at most `chars` characters together."""
    kept: list[SourceFile] = []
    for file in package:
        chars -= len(file.text)
        if chars < 0:
            break
        kept.append(file)
    return kept


def _cut_to(packages: list[list[_TokenizedFile]], room: int) -> None:
    """Drop the last file of the largest package again and again, until all fit."""
    sizes = [_size_bytes([package]) for package in packages]
    while sum(sizes) > room:
        largest = sizes.index(max(sizes))
        sizes[largest] -= packages[largest].pop().size_bytes


def _describe(package: Sequence[_TokenizedFile]) -> list[tuple[str, list[int], int]]:
    """Paths, imports and tokens. In a cycle a file imports later files, which may have been cut off."""
    return [(file.path, [i for i in file.imports if i < len(package)], len(file.ids)) for file in package]


def main() -> None:
    """Command line of the packer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--megabytes", type=int, default=MOST_BYTES // 1_000_000, help="the largest size of the file")
    arguments = parser.parse_args()
    tokens = write_packed(arguments.out, load_corpus(), arguments.megabytes * 1_000_000)
    print(f"{tokens} tokens to train on in {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
