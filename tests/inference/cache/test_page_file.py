"""Files of pages that are cut, changed, linked or another's are not used, and a kill loses no finished file."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inference.cache.page_file import NewPageFile, PageFileError, read_places
from inference.cache.page_folder import check_folders
from inference.cache.page_pool import PAGE_TOKENS
from tests.inference.cache.kept import PAGE_BYTES, Engine, kept_in, no_pauses, random_tokens

__all__ = ["no_pauses"]  # a fixture for all tests of this file

TOKENS = random_tokens(random.Random(1), 12 * PAGE_TOKENS)


def write_pages(root: Path) -> Path:
    """Keep twelve pages and return their file."""
    kept = kept_in(root)
    engine = Engine()
    engine.ask([*TOKENS, 1], kept)
    engine.rest()
    (file,) = kept.folder.iterdir()
    return file


def read_after(root: Path) -> int:
    """Start anew; return how many pages come from the disk, each of which is right."""
    engine = Engine()
    engine.ask([*TOKENS, 1], kept_in(root))
    engine.check_contents(TOKENS)
    return engine.disk.reader.read_pages


@pytest.mark.parametrize("part", ["pages", "entries", "trailer"])
def test_a_changed_byte_costs_its_page_and_is_never_used(tmp_path: Path, part: str) -> None:
    rng = random.Random(part)
    for number in range(25):
        root = tmp_path / str(number)
        file = write_pages(root)
        data = bytearray(file.read_bytes())
        end_of_pages, begin_of_trailer = 12 * PAGE_BYTES, len(data) - 20
        places = {"pages": (0, end_of_pages), "entries": (end_of_pages, begin_of_trailer)}
        place = rng.randrange(*places.get(part, (begin_of_trailer, len(data))))
        data[place] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
        good = read_after(root)
        assert good <= place // PAGE_BYTES if part == "pages" else good == 0
        assert read_after(root) == 0  # nothing of it is there any more
        assert not file.exists()


def test_a_file_that_is_cut_anywhere_is_not_used(tmp_path: Path) -> None:
    data = write_pages(tmp_path / "whole").read_bytes()
    ends = {0, 1, 19, 20, 21, PAGE_BYTES, 12 * PAGE_BYTES, len(data) - 20, len(data) - 1}
    for end in sorted(ends | {random.Random(1).randrange(len(data)) for _ in range(20)}):
        root = tmp_path / str(end)
        write_pages(root).write_bytes(data[:end])
        assert read_after(root) == 0, end


def test_a_file_that_is_cut_while_it_is_read_is_not_used(tmp_path: Path) -> None:
    file = write_pages(tmp_path / "pages")
    engine = Engine()
    missed = engine.disk.reader.find(TOKENS, kept_in(tmp_path / "pages"))
    os.truncate(file, 7 * PAGE_BYTES + 1)
    while engine.disk.reader.read_some(missed):
        engine.check()
    engine.check()
    assert engine.check_contents(TOKENS) <= 7


def test_files_and_folders_are_the_users_alone(tmp_path: Path) -> None:
    file = write_pages(tmp_path / "pages")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    with pytest.raises(PageFileError, match="is not a file of yours alone"):
        read_places(file, PAGE_BYTES)
    assert read_after(tmp_path / "pages") == 0


@pytest.mark.parametrize("level", ["pages", "pages/workspace", "pages/workspace/now"])
def test_a_folder_that_others_may_enter_or_that_is_a_link_is_refused(
    tmp_path: Path, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_pages(tmp_path / "pages")
    kept, folder = kept_in(tmp_path / "pages"), tmp_path / level
    folder.chmod(0o750)
    with pytest.raises(PageFileError, match="chmod 700"):
        check_folders(kept)
    engine = Engine()
    for _ in range(3):
        assert engine.ask([*TOKENS, *random_tokens(random.Random(1), 100)], kept) == 0
        engine.pool.release(engine.tree.evict(100))
    assert len([record for record in caplog.records if "not a folder of yours alone" in record.message]) == 1
    folder.chmod(0o700)
    moved = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(moved)
    assert Engine().ask([*TOKENS, 1], kept) == 0


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    file = write_pages(tmp_path / "pages")
    aim = file.rename(tmp_path / "aim")
    file.symlink_to(aim)
    assert read_after(tmp_path / "pages") == 0
    assert aim.exists()


def test_a_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "x.pages.partial").symlink_to(tmp_path / "aim")
    with pytest.raises(OSError, match="exists"):
        NewPageFile(tmp_path / "x.pages", PAGE_BYTES)


KEEP_UNTIL_KILLED = """
import os, random, signal, sys
from pathlib import Path
import pytest
from inference.cache.page_file import NewPageFile
from tests.inference.cache.kept import Engine, kept_in, no_pauses, random_tokens
no_pauses.__wrapped__(pytest.MonkeyPatch())
writes, really_write = int(sys.argv[2]), NewPageFile._write

def write_and_be_killed(file, data):
    global writes
    writes -= 1
    really_write(file, data if writes else data[: int(len(data) * float(sys.argv[3]))])
    if not writes:
        os.kill(os.getpid(), signal.SIGKILL)

NewPageFile._write = write_and_be_killed
engine, rng = Engine(), random.Random(7)
for _ in range(2):
    engine.ask(random_tokens(rng, 320), kept_in(Path(sys.argv[1])))
    engine.rest()
"""


# A file of twenty pages takes seven slices and a trailer.
@pytest.mark.parametrize("writes", [1, 4, 7, 8, 9, 16])
def test_a_kill_while_pages_are_written_loses_nothing(tmp_path: Path, writes: int) -> None:
    root = tmp_path / "pages"
    first = write_pages(root)
    part = random.Random(writes).random()
    command = [sys.executable, "-c", KEEP_UNTIL_KILLED, str(root), str(writes), str(part)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[3])
    assert killed.returncode == -signal.SIGKILL
    assert len(list(first.parent.glob("*.partial"))) == 1
    for file in first.parent.glob("*.pages"):
        assert read_places(file, PAGE_BYTES), "a file has its name before its last byte"
    assert read_after(root) == 12
    rng, engine, found = random.Random(7), Engine(), []
    for _ in range(2):
        tokens = random_tokens(rng, 320)
        found.append(engine.ask([*tokens, 1], kept_in(root)))
        engine.check_contents(tokens)
    assert found == [20 if writes > 8 else 0, 0]


FILL_THE_DISK = """
import logging, random, resource, sys
from pathlib import Path
import pytest
from tests.inference.cache.kept import Engine, PAGE_BYTES, kept_in, no_pauses, random_tokens
no_pauses.__wrapped__(pytest.MonkeyPatch())
logging.basicConfig(format="%(message)s")
resource.setrlimit(resource.RLIMIT_FSIZE, (5 * PAGE_BYTES, 5 * PAGE_BYTES))
kept = kept_in(Path(sys.argv[1]))
engine = Engine()
for seed in range(3):
    tokens = random_tokens(random.Random(seed), 320)
    engine.ask(tokens, kept)
    for _ in range(200):
        engine.disk.keeper.keep_some()
        if engine.disk.keeper._writing is not None:
            engine.disk.keeper._writing.writer._thread.join(0.01)
    assert engine.ask(tokens, kept) == 19
    engine.check()
assert not list(kept.folder.iterdir())
"""


def test_a_full_disk_costs_one_line_of_the_log(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(tmp_path / "pages")],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line == f"No pages of the prefix cache are kept in {tmp_path / 'pages'} for now: File too large"


def test_no_page_is_written_when_the_disk_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = kept_in(tmp_path / "pages")
    monkeypatch.setattr("inference.cache.page_folder.LEAST_FREE_BYTES", 1 << 60)
    engine = Engine()
    engine.ask(TOKENS, kept)
    writing_ended = False
    for _ in range(100):
        engine.disk.keeper.keep_some()
        if (writing := engine.disk.keeper._writing) is not None:
            writing.writer.join()
            writing_ended = True
    assert writing_ended
    assert not list(kept.folder.iterdir())
    assert [record.message for record in caplog.records if "kept" in record.message] == [
        f"No pages of the prefix cache are kept in {kept.root} for now: the disk is nearly full"
    ]


def test_two_engines_keep_and_read_in_one_folder(tmp_path: Path) -> None:
    kept = kept_in(tmp_path / "pages")
    one, other = Engine(), Engine()
    for seed in range(5):
        tokens = random_tokens(random.Random(seed), 200)
        one.ask(tokens, kept)
        other.ask(tokens, kept)
        one.rest(slices=3)
        other.rest()
        one.rest()
        assert Engine().ask([*tokens, 1], kept) == 200 // PAGE_TOKENS


def test_what_is_forgotten_while_it_is_written_stays_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = kept_in(tmp_path / "pages")
    engine = Engine()
    engine.ask(TOKENS, kept)
    engine.rest(slices=3)
    gone = kept.folder.rename(kept.folder.with_name("gone"))
    engine.rest()
    assert not [file for file in gone.iterdir() if file.suffix == ".pages"]
    assert not kept.folder.exists()
    assert not [record for record in caplog.records if "kept" in record.message]
