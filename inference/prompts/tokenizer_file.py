"""Reads tokenizer.json, which anybody may have written, and builds the library's tokenizer of it.

The library believes the file. Steps that rewrite a text can make it a million times longer, a padding can fill the
memory, and a pattern can take for ever. So only the steps of byte-level BPE are let through, each a bounded number of
times, and `trial.py` has built and used the tokenizer in another process before this one does.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from reprlib import repr  # shortens a long value to what fits in a message
from typing import Any

from tokenizers import Tokenizer as HfTokenizer

from inference.model_files import TOKENIZER_FILE, parse_json, read_beginning, read_file
from inference.prompts.split_pattern import find_danger
from midspan import ModelError

MOST_FILE_BYTES = 32 << 20
MOST_TOKENS = 1 << 20
SLOW = "takes more time or memory than any tokenizer needs; take the tokenizer.json that belongs to the model"
_MOST_VALUES = 4 << 20
_MOST_STEPS = 16
_MOST_SPELLING = 4096
_ADDED_TOKENS = re.compile(rb'"added_tokens"\s*:\s*\[')
_MOST_HEAD_BYTES = 1 << 20

# The normal forms of Unicode, which grow a text by a small factor.
_NORMALIZERS = ("NFC", "NFD", "NFKC", "NFKD")
_PRE_TOKENIZERS = ("Split", "Digits", "ByteLevel", "Punctuation")
_MODEL_KEYS = (
    "type",
    "vocab",
    "merges",
    "unk_token",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
)


@dataclass(frozen=True)
class TokenizerFile:
    """A tokenizer.json whose ids, steps and patterns are within bounds."""

    definition: Mapping[str, Any]

    @property
    def vocabulary(self) -> Mapping[str, int]:
        found: Mapping[str, int] = self.definition["model"]["vocab"]
        return found

    @property
    def added_tokens(self) -> list[dict[str, Any]]:
        return self.definition.get("added_tokens") or []

    @cached_property
    def controls(self) -> dict[str, int]:
        """The ids of the control tokens by their spelling."""
        return {token["content"]: token["id"] for token in self.added_tokens if is_control(token)}

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps that cut a text before the merges."""
        return list(_steps(self.definition.get("pre_tokenizer"), "pretokenizers"))

    @property
    def without_vocabulary(self) -> dict[str, Any]:
        """The definition without the vocabulary and the merges, from which `controls` and `steps` are read too."""
        return {**self.definition, "model": {}}

    @property
    def text_only(self) -> bytes:
        """The file of the tokenizer without control tokens, which no text can make produce one.

        It is short, because nothing else in the process runs Python while the library parses it.
        """
        model = {key: value for key, value in self.definition["model"].items() if key in _MODEL_KEYS}
        text_only = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [token for token in self.added_tokens if not is_control(token)],
            "normalizer": self.definition.get("normalizer"),
            "pre_tokenizer": self.definition.get("pre_tokenizer"),
            "post_processor": None,
            "decoder": None,
            "model": model,
        }
        # A half of a surrogate pair is no text: the library refuses the file.
        return json.dumps(text_only, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def build_tokenizer(text_only: bytes) -> HfTokenizer:
    """Build a tokenizer. For a large vocabulary this takes 0.2 s, during which no other thread runs Python.

    May raise whatever the library does, a panic included.
    """
    return HfTokenizer.from_buffer(text_only)


def parse_tokenizer(data: bytes, path: Path) -> TokenizerFile:
    """Parse and check a file's content; `path` is only for messages. Raises ModelError that names what is wrong."""
    file = TokenizerFile(parse_json(data, path, _MOST_VALUES))
    try:
        problem = next(_problems(file), None)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: cannot be read ({repr(error)}); fetch it again") from error
    if problem is not None:
        raise ModelError(f"{path}: {problem}; take the tokenizer.json that belongs to the model")
    return file


def read_controls(folder: Path) -> frozenset[str]:
    """Read the control tokens of a model folder without the rest of its tokenizer.json. Raises ModelError.

    They stand before the vocabulary, whose parsing takes long.
    """
    try:
        added = _added_tokens_in(read_beginning(folder, TOKENIZER_FILE, _MOST_HEAD_BYTES))
        if added is None:
            data = read_file(folder, TOKENIZER_FILE, MOST_FILE_BYTES)
            added = parse_tokenizer(data, folder / TOKENIZER_FILE).added_tokens
        return frozenset(token["content"] for token in added if is_control(token))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{folder / TOKENIZER_FILE}: cannot be read ({repr(error)}); fetch it again") from error


def _added_tokens_in(data: bytes) -> list[dict[str, Any]] | None:
    """Parse the list of added tokens at the beginning of a file; None where it does not stand there."""
    found = _ADDED_TOKENS.search(data)
    if found is None:
        return None
    try:
        added: list[dict[str, Any]] = json.JSONDecoder().raw_decode(data[found.end() - 1 :].decode(errors="ignore"))[0]
    except (ValueError, RecursionError):
        return None
    return added


def is_control(added_token: Mapping[str, Any]) -> bool:
    """Return whether an added token is a control token: DeepSeek-Coder v1 adds plain letters too, which are text."""
    return bool(added_token["special"]) or added_token["content"].startswith("<")


def is_panic(error: BaseException) -> bool:
    """Return whether a native library has failed in a way that is no Exception, and no wish to end the program."""
    return type(error).__module__ == "pyo3_runtime"


def _problems(file: TokenizerFile) -> Iterator[str]:
    model = file.definition["model"]
    if model["type"] != "BPE":
        yield "is not a byte-level BPE tokenizer"
    if model.get("dropout"):
        yield "drops merges by chance (dropout), so that a text has no certain tokens"
    yield from _problems_of_ids(file)
    for kind in (step["type"] for step in _steps(file.definition.get("normalizer"), "normalizers")):
        if kind not in _NORMALIZERS:
            yield f"rewrites texts ({repr(kind)}), which Midspan does not run"
    yield from _problems_of_steps(file.steps)


def _problems_of_ids(file: TokenizerFile) -> Iterator[str]:
    tokens = [*file.vocabulary.items(), *((token["content"], token["id"]) for token in file.added_tokens)]
    for spelling, token in tokens:
        if type(token) is not int or not 0 <= token < MOST_TOKENS:
            yield f"gives {repr(spelling)} the id {repr(token)}, and ids are whole numbers below {MOST_TOKENS}"
        if not isinstance(spelling, str) or len(spelling) > _MOST_SPELLING:
            yield f"has a token that is no text of at most {_MOST_SPELLING} characters, {repr(spelling)}"


def _problems_of_steps(steps: list[dict[str, Any]]) -> Iterator[str]:
    kinds = [step["type"] for step in steps]
    if len(steps) > _MOST_STEPS or kinds.count("ByteLevel") > 1:  # each ByteLevel doubles what is not ASCII
        yield "cuts texts in more steps than any model needs"
    for step in steps:
        if step["type"] not in _PRE_TOKENIZERS:
            yield f"cuts texts by {repr(step['type'])}, which Midspan does not run"
        pattern = (step.get("pattern") or {}).get("Regex")
        if pattern is not None and (danger := find_danger(pattern)):
            yield f"cuts texts by a pattern that {danger}, which can take for ever"


def _steps(block: Any, inner: str) -> Iterator[dict[str, Any]]:
    """List the steps of a normalizer or pre-tokenizer. A sequence in a sequence is a step of unknown kind."""
    if block is not None:
        yield from block[inner] if block["type"] == "Sequence" else [block]
