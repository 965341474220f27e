"""The folders of everything that does not belong in git: downloads, the corpus, runs."""

import os
from pathlib import Path


def cache_root() -> Path:
    """The user's cache folder for training, made when missing (`XDG_CACHE_HOME` is honoured)."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    root = Path(cache) / "midspan" / "training"
    root.mkdir(parents=True, exist_ok=True)
    return root


def corpus_folder() -> Path:
    """Kept text, one JSON file a package, and the tokenizer learned from it."""
    return cache_root() / "corpus"
