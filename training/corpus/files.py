"""The kept files of the corpus, one JSON file a package in the cache folder."""

import json
from dataclasses import dataclass
from pathlib import Path

from training.corpus.folders import corpus_folder

MANIFEST = Path(__file__).with_name("manifest.json")


@dataclass(frozen=True)
class SourceFile:
    """A kept file. `imports` are indices into its package's list of files."""

    path: str
    text: str
    imports: tuple[int, ...]


def file_name(package: str) -> str:
    """The name of a package's file: npm's names have a slash."""
    return f"{package.replace('/', '+')}.json"


def load_files(part: str) -> list[list[SourceFile]]:
    """The packages of `train` or `held_out`, each a list of files in import order."""
    return [
        [
            SourceFile(item["path"], item["text"], tuple(item["imports"]))
            for item in json.loads(path.read_text(encoding="utf-8"))
        ]
        for path in sorted((corpus_folder() / part).glob("*.json"))
    ]
