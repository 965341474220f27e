import random
import re
from collections.abc import Callable

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.prompt.pack import Budget, Pack, pack
from context.prompt.snippet import Snippet
from context.related.collect import collect

WORD = re.compile(r"\w{1,6}|\s|[^\w\s]")


def count_words(text: str) -> int:
    """Count so that lines add up to their text, like the tokenizers of code models."""
    return len(WORD.findall(text))


def count_thirds(text: str) -> int:
    """Count so that lines do not add up to their text."""
    return -(-len(text) // 3)


def count_jumpy(text: str) -> int:
    """Count so that a text may take more than its parts together."""
    return len(text) // 2 + len(text) ** 2 // 2000


COUNTS = [count_words, count_thirds, count_jumpy]


def buffer(path: str, text: str) -> Document:
    return Document(path, text, "python", 1)


def snapshot_at(text: str, cursor: int | None = None, *others: Document) -> Snapshot:
    document = Document("pkg/here.py", text, "python", 1)
    return Snapshot(document, len(text) if cursor is None else cursor, others)


def packed(snapshot: Snapshot, budget: Budget, count: Callable[[str], int] = count_words) -> Pack:
    return pack(snapshot, collect(snapshot), budget, count)


def source(lines: int, name: str = "f") -> str:
    return "".join(f"def {name}{n}(a, b): return a + {n}\n" for n in range(lines))


def test_files_come_first_then_the_current_one_then_what_follows() -> None:
    snapshot = snapshot_at(
        "import b\n\nx = b.\ny = 2\n",
        16,
        Document("pkg/b.py", "def recent(): ...\n" * 9, "python", 1),
        Document("web/c.ts", "function older() {}\n" * 9, "typescript", 1),
    )
    it = packed(snapshot, Budget(2000))
    # The file that was used last stands next to the current one.
    assert it.context == ("// web/c.ts\n" + "function older() {}\n" * 9 + "# pkg/b.py\n" + "def recent(): ...\n" * 9)
    assert it.prefix == "# pkg/here.py\nimport b\n\nx = b."
    # The same without the comments, for models that keep files apart by separators.
    assert [(file.path, file.text) for file in it.files] == [
        ("web/c.ts", "function older() {}\n" * 9),
        ("pkg/b.py", "def recent(): ...\n" * 9),
    ]
    assert it.title == "# pkg/here.py\n"
    assert it.suffix == "\ny = 2\n"
    assert [(s.kind, s.path, s.why) for s in it.segments] == [
        ("snippet", "web/c.ts", "open buffer"),
        ("snippet", "pkg/b.py", "open buffer"),
        ("prefix", "pkg/here.py", "before the cursor"),
        ("suffix", "pkg/here.py", "after the cursor"),
    ]
    assert sum(segment.tokens for segment in it.segments) == it.tokens
    assert it.tokens == sum(map(count_words, (it.context, it.prefix, it.suffix)))


def test_the_current_file_and_empty_buffers_are_not_collected() -> None:
    same = Document("pkg/here.py", "x\n", "python", 3)
    blank = Document("b.py", " \n", "python", 1)
    assert collect(snapshot_at("x\n", 0, same, blank)) == ()


def test_the_budget_is_never_exceeded() -> None:
    rng = random.Random(7)
    alphabet = [*"a \t\n(é\U0001f600\ud800", "xyz", "\r\n", "long" * 40, "\n    "]
    for _ in range(400):
        count = rng.choice(COUNTS)
        texts = ["".join(rng.choices(alphabet, k=rng.choice([0, 5, 80, 900]))) for _ in range(4)]
        others = [Document(f"o{n}.py", text, "python", 1) for n, text in enumerate(texts[1:])]
        snapshot = snapshot_at(texts[0], rng.randint(0, len(texts[0])), *others)
        total = rng.choice([0, 1, 3, 10, 40, 150, 700, 4000])
        budget = Budget(total, rng.choice([0, 16, 64, 5000]))
        it = packed(snapshot, budget, count)
        assert count(it.context) + count(it.prefix) + count(it.suffix) == it.tokens <= total
        assert it.context == "" or it.context.endswith("\n")
        # No lone surrogate reaches a tokenizer.
        assert (it.context + it.prefix + it.suffix).encode() or it.tokens == 0


@pytest.mark.parametrize("total", [300, 1000, 8000])
def test_typing_on_a_line_leaves_all_before_it_as_it_was(total: int) -> None:
    rng = random.Random(total)
    for _ in range(20):
        before = source(rng.randrange(900)) + "    "
        after = rng.choice(["", ")\n", "\n"]) + source(rng.randrange(30), "g")
        others = [buffer(f"o{n}.py", source(rng.randrange(300), "o")) for n in range(3)]
        seen = set()
        suffixes = set()
        typed = "".join(rng.choices("abc ().=_" * 3 + "é", k=200))
        for length in range(0, 201, 20):
            text = before + typed[:length]
            it = packed(snapshot_at(text + after, len(text), *others), Budget(total))
            seen.add(it.context + it.prefix[: it.prefix.rindex("\n") + 1])
            suffixes.add(it.suffix)
        assert len(seen) == 1
        assert len(suffixes) == 1


def test_the_window_moves_rarely_and_by_whole_lines_as_lines_are_added() -> None:
    lines = source(1200).splitlines(keepends=True)
    starts = []
    for end in range(600, 1000):
        it = packed(snapshot_at("".join(lines[:end])), Budget(4000))
        segment = it.segments[-1]
        assert segment.first_line is not None
        starts.append(segment.first_line)
        title = "# pkg/here.py\n"
        assert it.prefix == title + "".join(lines[segment.first_line : end])
        assert count_words(it.prefix) > 0.6 * 4000 - 500
    assert all(start % 32 == 0 for start in starts)
    assert starts == sorted(starts)
    assert len(set(starts)) <= 400 // 32 + 1


def test_a_file_that_fits_is_shown_from_its_first_line() -> None:
    text = source(100)
    assert packed(snapshot_at(text), Budget(8000)).prefix == "# pkg/here.py\n" + text


def test_the_suffix_is_short_and_ends_at_a_line_end() -> None:
    text = "call(a\n" + ", b)\n" + source(100)
    it = packed(snapshot_at(text, 5), Budget(4000, suffix_tokens=64))
    assert it.suffix.startswith("a\n, b)\ndef f0(")
    assert it.suffix.endswith("\n")
    assert text[5:].startswith(it.suffix)
    assert 32 < count_words(it.suffix) <= 64


@pytest.mark.parametrize(("total", "most"), [(1000, 64), (2048, 128), (100_000, 128)])
def test_more_of_what_follows_is_shown_where_more_is_read_in_the_same_time(total: int, most: int) -> None:
    it = packed(snapshot_at("call(\n" + "v = 1\n" * 100, 5), Budget(total))
    assert most - 6 < count_words(it.suffix) <= most


def test_the_rest_of_the_line_is_there_even_without_room_for_a_suffix() -> None:
    it = packed(snapshot_at("call(a, b)\nnext\n", 5), Budget(1000, suffix_tokens=0))
    assert it.suffix == "a, b)\n"


def test_a_line_over_the_budget_is_cut_at_the_far_side() -> None:
    line = "".join(f"v{n}=({n});" for n in range(20_000))
    middle = len(line) // 2
    it = packed(snapshot_at(line, middle), Budget(1000, suffix_tokens=64))
    window = it.prefix.removeprefix("# pkg/here.py\n")
    assert window
    assert line[:middle].endswith(window)
    assert it.suffix
    assert line[middle:].startswith(it.suffix)
    assert it.tokens <= 1000


def test_what_does_not_matter_most_is_left_out_first() -> None:
    snippets = [Snippet(f"s{n}.py", source(40, f"s{n}_"), "python", "similar", score=n) for n in range(6)]
    it = pack(snapshot_at("x = 1\n"), snippets, Budget(1500), count_words)
    shown = [segment.path for segment in it.segments if segment.kind == "snippet"]
    assert shown == ["s4.py", "s5.py"]
    # The snippet that was chosen last is cut after whole lines, the best one is whole.
    assert it.context.startswith("# s4.py\ndef s4_0(")
    assert it.context.endswith("# s5.py\n" + source(40, "s5_"))
    assert all(line.startswith(("# s", "def s")) for line in it.context.splitlines())


def test_other_files_leave_the_current_one_its_share_and_take_what_it_leaves() -> None:
    many = [buffer(f"o{n}.py", source(200, "o")) for n in range(9)]
    long = packed(snapshot_at(source(2000), None, *many), Budget(4000))
    assert count_words(long.context) > 1500
    assert count_words(long.prefix) > 1000
    short = packed(snapshot_at("x = 1\n", None, *many), Budget(4000))
    assert short.prefix == "# pkg/here.py\nx = 1\n"
    assert count_words(short.context) > 3300
    alone = packed(snapshot_at(source(2000)), Budget(4000))
    assert count_words(alone.prefix) > 1.2 * count_words(long.prefix)
    # The current file keeps more of a small room: near lines tell more than lines elsewhere.
    small = packed(snapshot_at(source(2000), None, *many), Budget(900))
    assert count_words(small.prefix) > count_words(small.context) > 0


def test_huge_lines_are_not_counted_whole() -> None:
    longest = 0

    def count(text: str) -> int:
        nonlocal longest
        longest = max(longest, len(text))
        return count_words(text)

    huge = "x=1;" * 500_000
    other = Document("min.js", huge, "javascript", 1)
    it = packed(snapshot_at(huge + "\n" + huge, len(huge) * 3 // 2, other), Budget(1000), count)
    assert it.tokens <= 1000
    assert longest <= 16 * 1000


def test_parts_of_one_file_that_stand_together_are_one_file() -> None:
    parts = [Snippet("pkg/b.py", f"def f{n}(): ...\n" * 6, "python", "index", 1.0, first_line=n * 10) for n in (1, 2)]
    it = pack(snapshot_at("x = "), parts, Budget(2000), count_words)
    assert it.context.count("# pkg/b.py") == 1
    assert [file.path for file in it.files] == ["pkg/b.py"]
    assert it.context == "# pkg/b.py\n" + it.files[0].text


@pytest.mark.parametrize("total_tokens", [192, 256, 320])
def test_a_small_prompt_shows_as_many_lines_before_the_cursor_as_fit(total_tokens: int) -> None:
    """A quick prompt moves with each line, so that it has no room to lose to a start that stays."""
    text = source(200)
    it = pack(snapshot_at(text + "x = "), (), Budget(total_tokens), count_words)
    assert it.prefix.endswith("x = ")
    assert 0.55 * total_tokens <= it.tokens <= total_tokens


def test_a_small_prompt_stays_where_it_is_while_a_line_is_typed() -> None:
    text = source(200)
    packs = [pack(snapshot_at(text + "x = value + 1"[:length]), (), Budget(256), count_words) for length in range(13)]
    assert all(it.prefix.startswith(packs[0].prefix) for it in packs)
