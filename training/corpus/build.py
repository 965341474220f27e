"""The corpus builder: it reads the packages, filters, drops duplicates, and writes text and manifest.

    python -m training.corpus.build            # downloads the missing packages, then builds

The text goes to the cache folder, one JSON file a package; only `manifest.json` is committed.
"""

import argparse
import gzip
import hashlib
import json
import zlib
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.corpus.build_changes import add_changes
from training.corpus.duplicates import SeenText, digest_of
from training.corpus.files import MANIFEST, SourceFile, file_name
from training.corpus.filters import clean_text, drop_licence_comment, is_kept_path
from training.corpus.folders import cache_root, corpus_folder
from training.corpus.imports import order_by_imports
from training.corpus.references import find_references
from training.packages.languages import language_of, main_language
from training.packages.licences import has_foreign_header
from training.packages.package import Package
from training.packages.read_all import fetch_packages, read_packages


def select_files(package: Package, seen: SeenText, dropped: Counter[str], copies: set[str]) -> dict[str, str]:
    """Path → kept text, at most what its language allows; `dropped` counts the reasons why files are left out.

    `copies` are the digests of texts that copy an evaluation text; the copies found here are added to it.
    """
    kept: dict[str, str] = {}
    size = 0
    # By the hash of the path, so that a capped package is sampled evenly, and the same each time.
    for path in sorted(package.files, key=lambda name: zlib.crc32(name.encode())):
        text = clean_text(package.files[path]) if is_kept_path(path) else None
        if text is None:
            dropped["path, size, encoding, generated or data"] += 1
        elif has_foreign_header(text):
            dropped["foreign licence header"] += 1
        elif (digest := digest_of(text)) in copies or seen.copies_evaluation(text):
            copies.add(digest)
            dropped["copies an evaluation text"] += 1
        elif (language := language_of(path)) is None or size + len(text) > language.most_package_bytes:
            dropped["package is large enough"] += 1
        elif not seen.add_if_new(text):
            dropped["near-duplicate"] += 1
        else:
            kept[path] = drop_licence_comment(path, text)
            size += len(kept[path])
    return kept


def order_files(kept: dict[str, str]) -> list[SourceFile]:
    """The files in import order, each with the indices of the files it imports."""
    paths = sorted(kept)
    imports = find_references(paths, kept)
    order = order_by_imports(imports)
    place = {old: new for new, old in enumerate(order)}
    return [SourceFile(paths[old], kept[paths[old]], tuple(place[index] for index in imports[old])) for old in order]


def describe(package: Package, files: list[SourceFile], held_out: bool) -> dict[str, Any]:
    """The package's entry in the manifest."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\n{file.text}".encode())
    return {
        "name": package.name,
        "version": package.version,
        "language": main_language([file.path for file in files]).name,
        "licence": package.licence,
        "held_out": held_out,
        "files": len(files),
        "bytes": sum(len(file.text.encode()) for file in files),
        "sha256": digest.hexdigest(),
    }


def read_evaluation_texts(folder: Path | None) -> list[str]:
    """Prompt + solution + suffix of each infilling task under the folder, each program once."""
    texts: set[str] = set()
    for path in sorted(folder.glob("*.jsonl.gz")) if folder else []:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                task = json.loads(line)
                texts.add(task["prompt"] + task["canonical_solution"] + task["suffix"])
    return sorted(texts)


def build_corpus(evaluation: Path | None) -> dict[str, Any]:
    """Write the corpus to the cache folder and return the manifest."""
    fetch_packages(cache_root())
    corpus = corpus_folder()
    corpus.mkdir(parents=True, exist_ok=True)
    evaluation_texts = read_evaluation_texts(evaluation)
    seen = SeenText(evaluation_texts)
    # Without the tasks, the copies that an earlier build found with them stay out.
    known = json.loads(MANIFEST.read_text(encoding="utf-8"))
    copies: set[str] = set() if evaluation else set(known["evaluation_copies"])
    dropped: Counter[str] = Counter()
    packages = []
    # Held-out packages come first, so that files like theirs are dropped from the training text.
    for held_out in (True, False):
        for package in read_packages(cache_root(), held_out=held_out):
            files = order_files(select_files(package, seen, dropped, copies))
            target = corpus / ("held_out" if held_out else "train") / file_name(package.name)
            target.parent.mkdir(exist_ok=True)
            target.write_text(json.dumps([asdict(file) for file in files]), encoding="utf-8")
            packages.append(describe(package, files, held_out))
            print(f"{package.name}: {packages[-1]['files']} files, {packages[-1]['bytes']} bytes")
    return {
        "evaluation_programs_excluded": len(evaluation_texts) or known["evaluation_programs_excluded"],
        "evaluation_copies": sorted(copies),
        "files_dropped": dict(dropped.most_common()),
        "train_bytes": sum(entry["bytes"] for entry in packages if not entry["held_out"]),
        "packages": packages,
    }


def write_corpus(evaluation: Path | None) -> None:
    """Build the corpus with the changes between releases, and write the manifest that is committed."""
    manifest = build_corpus(evaluation)
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(f"{manifest['train_bytes']} bytes to train on; dropped: {manifest['files_dropped']}")
    add_changes()


def main() -> None:
    """Command line of the corpus builder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluation", type=Path, help="folder of infilling tasks to keep out")
    write_corpus(parser.parse_args().evaluation)


if __name__ == "__main__":
    main()
