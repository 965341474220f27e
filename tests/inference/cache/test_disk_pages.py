"""Pages on the disk and the radix tree together, under random use and damage, against what each page has to hold."""

import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inference.cache import page_reader
from inference.cache.page_folder import make_room, stored_files
from inference.cache.page_pool import PAGE_TOKENS
from tests.inference.cache.kept import PAGE_BYTES, Engine, kept_in, no_pauses, random_tokens

__all__ = ["no_pauses"]  # a fixture for all tests of this file


def damage(rng: random.Random, file: Path) -> None:
    data = bytearray(file.read_bytes())
    place = rng.randrange(len(data))
    if rng.random() < 0.5:
        data[place] ^= 1 << rng.randrange(8)
    else:
        del data[place:]
    file.write_bytes(data)


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open no file."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("seed", range(3))
def test_what_comes_from_the_disk_is_what_was_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    if seed:  # as a large model's pages: by two threads, and in short runs
        monkeypatch.setattr(page_reader, "_ALONE_BYTES", 0)
        monkeypatch.setattr(page_reader, "_RUN_BYTES", seed * PAGE_BYTES)
    rng = random.Random(seed)
    kept = kept_in(tmp_path / "pages")
    engine = Engine()
    history: list[list[int]] = [[]]
    counts = dict.fromkeys(("read", "damaged", "forgotten", "evicted", "restarts"), 0)
    for _ in range(400):
        action = rng.random()
        if action < 0.5:
            base = rng.choice(history)
            tokens = (base[: rng.randint(0, len(base))] + random_tokens(rng, rng.randint(1, 120)))[-600:]
            before = engine.disk.reader.read_pages
            engine.ask(tokens, None if rng.random() < 0.1 else kept)
            counts["read"] += engine.disk.reader.read_pages - before
            history = [*history[-20:], tokens]
        elif action < 0.75:
            engine.rest(rng.choice([None, None, 1, 2, 3]))
        elif action < 0.85:
            engine.disk.keeper.close()
            engine = Engine()
            counts["restarts"] += 1
        elif action < 0.92:
            engine.pool.release(engine.tree.evict(rng.randint(0, 30)))
            counts["evicted"] += 1
        elif action < 0.97 and (
            files := [file.path for file in stored_files(kept.root) if file.path.suffix == ".pages"]
        ):
            damage(rng, rng.choice(files))
            counts["damaged"] += 1
        elif action > 0.99:
            shutil.rmtree(kept.folder, ignore_errors=True)  # the writer may remove its own file
            kept = kept_in(kept.root, f"workspace/{rng.random()}")
            counts["forgotten"] += 1
        engine.check()
        for tokens in history:
            engine.check_contents(tokens)
    assert min(counts.values()) > 0, counts
    assert counts["read"] > 100, "the sequence did not reach what it is meant to test"
    engine.disk.keeper.close()


def test_a_restart_finds_every_whole_page_of_the_last_prompt(tmp_path: Path) -> None:
    kept, tokens = kept_in(tmp_path / "pages"), random_tokens(random.Random(1), 500)
    first = Engine()
    first.ask(tokens, kept)
    first.rest()
    again = Engine()
    assert again.ask([*tokens, 1], kept) == 500 // PAGE_TOKENS
    assert again.check_contents(tokens) == 500 // PAGE_TOKENS


def test_a_page_is_found_by_its_whole_prefix_and_by_its_model(tmp_path: Path) -> None:
    kept, tokens = kept_in(tmp_path / "pages"), random_tokens(random.Random(1), 100)
    first = Engine()
    first.ask(tokens, kept)
    first.rest()
    assert Engine().ask([tokens[0] + 1, *tokens[1:]], kept) == 0
    assert Engine(b"of another model").ask(tokens, kept) == 0
    assert Engine().ask(tokens, kept_in(tmp_path / "pages", "other/now")) == 0
    assert Engine().ask(tokens, None) == 0
    assert Engine().ask(tokens, kept) == 6


def test_typing_keeps_the_last_prompt_of_each_document(tmp_path: Path) -> None:
    rng = random.Random(1)
    kept = kept_in(tmp_path / "pages")
    other, document = random_tokens(rng, 160), random_tokens(rng, 160)
    engine = Engine()
    engine.ask(other, kept)
    for key in range(8):  # each with another suffix
        engine.ask([*document, *([key] * 32)], kept)
    engine.rest()
    assert sum(file.size_bytes for file in stored_files(kept.root)) // PAGE_BYTES == 10 + 10 + 2
    again = Engine()
    assert again.ask([*document, *([7] * 33)], kept) == 12
    assert again.ask([*other, 1], kept) == 10


def test_pauses_in_a_document_do_not_fill_the_disk(tmp_path: Path) -> None:
    """A pause writes the suffix again, and a little more of the prefix; what it replaces leaves."""
    rng = random.Random(1)
    kept = kept_in(tmp_path / "pages")
    document, suffix = random_tokens(rng, 320), random_tokens(rng, 160)
    engine = Engine()
    for _ in range(10):
        document += random_tokens(rng, 20)
        engine.ask([*document, *suffix], kept)
        engine.rest()
        again = Engine()
        assert again.ask([*document, *suffix, 1], kept) == (len(document) + 160) // PAGE_TOKENS
        again.check_contents([*document, *suffix])
    pages = sum(file.size_bytes for file in stored_files(kept.root)) // PAGE_BYTES
    assert pages < 1.7 * (len(document) + 160) // PAGE_TOKENS


def test_a_request_stops_the_writing_and_the_rest_is_written_later(tmp_path: Path) -> None:
    kept, tokens = kept_in(tmp_path / "pages"), random_tokens(random.Random(1), 320)
    engine = Engine()
    engine.ask(tokens, kept)
    engine.rest(slices=3)  # one chooses the prompt, two write
    engine.ask([5] * 20, None)
    writing = engine.disk.keeper._writing
    assert writing is not None
    assert writing.is_finished
    writing.writer.join()
    assert Engine().ask([*tokens, 1], kept) == 6
    engine.rest()
    assert Engine().ask([*tokens, 1], kept) == 20


def test_the_least_recently_used_files_leave_when_the_room_is_full(tmp_path: Path) -> None:
    rng = random.Random(1)
    most_bytes = 25 * PAGE_BYTES
    prompts = [random_tokens(rng, 160) for _ in range(4)]
    kept = kept_in(tmp_path / "pages", most_bytes=most_bytes)
    for number, tokens in enumerate(prompts):
        engine = Engine()
        engine.ask(tokens, kept_in(tmp_path / "pages", f"workspace{number % 2}/now", most_bytes))
        engine.rest()
        time.sleep(0.02)  # some systems give all that happens within a hundredth of a second one time
        Engine().ask([*prompts[0], 1], kept_in(tmp_path / "pages", "workspace0/now", most_bytes))  # it is used
        time.sleep(0.02)
        assert sum(file.size_bytes for file in stored_files(kept.root)) <= most_bytes
    found = [
        Engine().ask([*tokens, 1], kept_in(tmp_path / "pages", f"workspace{number % 2}/now"))
        for number, tokens in enumerate(prompts)
    ]
    assert found == [10, 0, 0, 10]


def test_a_prompt_larger_than_the_room_is_kept_from_its_beginning(tmp_path: Path) -> None:
    kept, tokens = kept_in(tmp_path / "pages", most_bytes=8 * PAGE_BYTES), random_tokens(random.Random(1), 320)
    engine = Engine()
    engine.ask(tokens, kept)
    engine.rest()
    assert Engine().ask(tokens, kept) == 8


def test_files_that_nobody_has_used_for_a_month_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = kept_in(tmp_path / "pages")
    engine = Engine()
    engine.ask(random_tokens(random.Random(1), 100), kept)
    engine.rest()
    make_room(kept, 0)
    assert list(stored_files(kept.root))
    monkeypatch.setattr("inference.cache.page_folder.time.time", lambda: 4e9)
    make_room(kept, 0)
    assert not list(stored_files(kept.root))


def test_pages_of_a_full_pool_are_read_as_far_as_others_can_leave(tmp_path: Path) -> None:
    rng = random.Random(1)
    kept, tokens = kept_in(tmp_path / "pages"), random_tokens(rng, 600)
    first = Engine()
    first.ask(tokens, kept)
    first.rest()
    again = Engine()
    held = random_tokens(rng, 480)
    again.ask(held, None)
    node = again.tree.match(held).node
    again.tree.lock(node)  # a live sequence has 30 of 60 pages
    missed = again.disk.reader.find(tokens, kept)
    while again.disk.reader.read_some(missed):
        again.check()
    assert again.check_contents(tokens) == 30
    again.tree.unlock(node)
    again.check()


def test_a_call_of_the_system_reads_pages_that_stand_one_behind_the_other() -> None:
    assert list(page_reader._runs([3, 4, 5, 9, 10, 2], 2)) == [(0, 2), (2, 3), (3, 5), (5, 6)]
    assert list(page_reader._runs([], 2)) == []


def test_a_fault_while_pages_are_read_keeps_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, tokens, engine = kept_in(tmp_path / "pages"), random_tokens(random.Random(9), 200), Engine()
    engine.ask(tokens, kept)
    engine.rest()
    again = Engine()

    def fail(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(again.disk.reader, "_read_part", fail)  # a fault is injected
        with pytest.raises(RuntimeError, match="new thread"):
            again.ask(tokens, kept)
    again.check()
    assert again.ask(tokens, kept) == (len(tokens) - 1) // PAGE_TOKENS


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("is_found", [False, True])
def test_a_process_that_may_open_no_file_removes_none(tmp_path: Path, is_found: bool) -> None:
    kept, tokens, engine = kept_in(tmp_path / "pages"), random_tokens(random.Random(9), 200), Engine()
    engine.ask(tokens, kept)
    engine.rest()
    again = Engine()
    if is_found:
        again.disk.reader.find(tokens, kept)
    with no_more_files():
        assert again.ask(tokens, kept) == 0
    assert list(stored_files(kept.root))
