import os
import shutil
import time
from pathlib import Path

from context.index.database import index_path
from context.index.gone_indexes import find_gone_indexes, remove_gone_indexes
from context.index.indexer_process import IndexerProcess
from tests.context.tree import indexed, write_tree

OLD_S = 31 * 24 * 3600


def make_index(root: Path, cache: Path, *, age_s: float = 0.0) -> Path:
    indexed(write_tree(root, {"a.py": "x = 1\n"}), cache)[0].close()
    database = index_path(root, cache)
    for file in cache.glob(f"{database.stem}.*"):
        os.utime(file, (time.time() - age_s,) * 2)
    return database


def test_the_index_of_a_folder_that_is_gone_is_removed_after_30_days(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    there = make_index(tmp_path / "there", cache, age_s=OLD_S)
    gone = make_index(tmp_path / "gone", cache, age_s=OLD_S)
    young = make_index(tmp_path / "young", cache)
    gone.with_suffix(".quarantine").write_text("{}")
    os.utime(gone.with_suffix(".quarantine"), (0, 0))
    for name in ("gone", "young"):
        shutil.rmtree(tmp_path / name)
    assert {index.root for index in find_gone_indexes(cache)} == {str(tmp_path / "gone"), str(tmp_path / "young")}
    remove_gone_indexes(cache)
    assert set(cache.glob("*.sqlite3")) == {there, young}
    assert not list(cache.glob("*.quarantine"))


def test_a_file_that_is_no_index_is_removed_when_it_is_old(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / f"{name}.sqlite3").write_bytes(b"no database")
    os.utime(tmp_path / "old.sqlite3", (0, 0))
    remove_gone_indexes(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["new.sqlite3"]


def test_the_process_that_builds_indexes_removes_them(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    gone = make_index(tmp_path / "gone", cache, age_s=OLD_S)
    shutil.rmtree(tmp_path / "gone")
    root = write_tree(tmp_path / "root", {"a.py": "x = 1\n"})
    indexer = IndexerProcess()
    indexer.run(root, index_path(root, cache), None)
    indexer.close()
    assert not gone.exists()


def test_an_index_that_a_full_disk_left_empty_is_no_error_and_is_removed(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite3").touch()
    assert [index.root for index in find_gone_indexes(tmp_path)] == [None]
    os.utime(tmp_path / "empty.sqlite3", (0, 0))
    remove_gone_indexes(tmp_path)
    assert list(tmp_path.iterdir()) == []
