"""A file of the user's own is written whole or not at all."""

import sys
import threading
from pathlib import Path

import pytest

from midspan.whole_file import write_whole


def test_the_file_of_before_is_replaced_and_the_user_alone_may_read_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    file.write_bytes(b"old")
    file.chmod(0o644)
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    stranger, file = tmp_path / "stranger", tmp_path / "kept.json"
    stranger.write_bytes(b"theirs")
    file.symlink_to(stranger)
    write_whole(file, b"new")
    assert (stranger.read_bytes(), file.read_bytes(), file.is_symlink()) == (b"theirs", b"new", False)


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    in_the_way = tmp_path / "kept.json"
    (in_the_way / "folder").mkdir(parents=True)
    with pytest.raises(OSError, match=r"kept\.json"):
        write_whole(in_the_way, b"new")
    assert list(tmp_path.iterdir()) == [in_the_way]


def test_a_reader_sees_one_of_the_files_that_threads_write_at_once(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    contents = [bytes([65 + number]) * 200_000 for number in range(4)]
    write_whole(file, contents[0])

    def write_often(content: bytes) -> None:
        for _ in range(20):
            write_whole(file, content)

    threads = [threading.Thread(target=write_often, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert file.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [file]
