"""The builder of the changes between releases, from which rows with recent edits are drawn.

    python -m training.corpus.build_changes    # downloads the missing releases, then adds their changes to the corpus

The changes go beside the text of the corpus, one JSON file a package; the rest of the corpus stays as it is.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from training.corpus.changes import ChangedFile, changes_folder, find_hunks, write_changes
from training.corpus.duplicates import digest_of, is_mostly_in, shingle
from training.corpus.files import MANIFEST, file_name, load_files
from training.corpus.filters import clean_text, drop_licence_comment, is_kept_path
from training.corpus.folders import cache_root
from training.corpus.imports import order_by_imports
from training.corpus.references import find_references
from training.packages.licences import has_foreign_header
from training.packages.package import Package
from training.packages.releases import fetch_releases, read_releases

# Of one package; more of one would not make the rows more diverse.
MOST_CHARS = 4_000_000
_MOST_UNCHANGED_CHARS = 1_000_000
# A file that is nearly all new is another file under the same name.
_LEAST_KEPT = 0.3


def find_changes(old: Package, new: Package, held_out: set[int], copies: set[str]) -> list[ChangedFile]:
    """The changed files of a package and the files that they refer to, in import order.

    `held_out` are the shingles of the held-out packages, and `copies` the digests of texts that copy an evaluation
    text. A file like those is left out.
    """
    before, after = (_kept_texts(package, held_out, copies) for package in (old, new))
    kept = {path: (before.get(path, ""), text) for path, text in _sampled(before, after).items()}
    paths = sorted(kept)
    texts = {path: new_text for path, (_, new_text) in kept.items()}
    imports = find_references(paths, texts)
    shown = {index for index, path in enumerate(paths) if kept[path][0] != kept[path][1]}
    room = _MOST_UNCHANGED_CHARS
    for index in sorted({index for changed in shown for index in imports[changed]} - shown):
        room -= len(texts[paths[index]])
        if room >= 0:
            shown.add(index)
    order = [index for index in order_by_imports(imports) if index in shown]
    place = {old_index: new_index for new_index, old_index in enumerate(order)}
    files = []
    for index in order:
        path, (old_text, new_text) = paths[index], kept[paths[index]]
        referred = tuple(place[one] for one in imports[index] if one in place)
        files.append(ChangedFile(path, old_text, referred, find_hunks(path, old_text, new_text)))
    return files


def _kept_texts(package: Package, held_out: set[int], copies: set[str]) -> dict[str, str]:
    kept = {}
    for path, content in package.files.items():
        text = clean_text(content) if is_kept_path(path) else None
        if text is None or has_foreign_header(text) or digest_of(text) in copies:
            continue
        if not is_mostly_in(shingle(text), held_out):
            kept[path] = drop_licence_comment(path, text)
    return kept


def _sampled(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """The files of the newer release up to a limit. Whole folders are taken, in the order of a hash.

    So files that were changed together stay together. A file that is nearly all new is left out.
    """
    taken: dict[str, str] = {}
    room = MOST_CHARS
    for path in sorted(after, key=lambda name: (zlib.crc32(str(PurePosixPath(name).parent).encode()), name)):
        text = after[path]
        if path in before and before[path] != text:
            lines = set(before[path].split("\n"))
            new_lines = text.split("\n")
            if sum(line in lines for line in new_lines) < _LEAST_KEPT * len(new_lines):
                continue
        if before.get(path) != text:
            room -= len(text)
        if room < 0:
            break
        taken[path] = text
    return taken


def build_changes(copies: set[str]) -> list[dict[str, Any]]:
    """Write the changes of every pair of releases; return their entries in the manifest.

    `copies` are the digests of texts that copy an evaluation text.
    """
    fetch_releases(cache_root())
    held_out: set[int] = set()
    for files in load_files("held_out"):
        for file in files:
            held_out |= shingle(file.text)
    entries = []
    for old, new, is_held_out in read_releases(cache_root()):
        changes = find_changes(old, new, set() if is_held_out else held_out, copies)
        path = changes_folder("held_out" if is_held_out else "train") / file_name(new.name)
        write_changes(path, changes)
        entries.append(
            {
                "name": new.name,
                "old": old.version,
                "new": new.version,
                "licences": sorted({old.licence, new.licence}),
                "held_out": is_held_out,
                "files": len(changes),
                "hunks": sum(len(file.hunks) for file in changes),
                "targets": sum(hunk.is_target for file in changes for hunk in file.hunks),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        )
        print(
            f"{new.name} {old.version}..{new.version}: {entries[-1]['files']} files, {entries[-1]['targets']} targets"
        )
    return entries


def add_changes() -> None:
    """Build the changes and write their entries into the manifest that is committed."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    entries = build_changes(set(manifest["evaluation_copies"]))
    MANIFEST.write_text(json.dumps(manifest | {"releases": entries}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    add_changes()
