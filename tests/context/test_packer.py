import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.packer import ContextPacker
from context.prompt.pack import Budget, pack
from context.related import collect as collecting
from context.related.collect import collect
from context.secrets import masking
from context.syntax import parser_process
from context.syntax.parser_process import ParserProcesses
from midspan import DocumentError
from tests.context.prompt.test_pack import count_words, source
from tests.context.tree import GENERATED, SECONDS, write_tree

TREE = {
    "price.py": source(9, "price"),
    "stock.py": source(9, "stock"),
    "generated.py": GENERATED,
    **{f"many/m{n}.py": source(40, f"many{n}_") for n in range(20)},
}
BUDGET = Budget(2048)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(write_tree(tmp_path / "root", TREE), tmp_path / "cache")
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    yield workspace
    workspace.close()


def at_end_of(text: str, path: str = "here.py", *others: Document) -> Snapshot:
    return Snapshot(Document(path, text, "python", 1), len(text), others)


IMPORTS = at_end_of("from price import price1\nfrom stock import stock1\n\nprice1(")


def test_a_document_that_a_rule_excludes_gets_no_prompt(workspace: Workspace) -> None:
    with pytest.raises(DocumentError, match=r"^generated\.py is in no prompt: it says that it is generated .*\.$"):
        ContextPacker(workspace).pack(at_end_of(GENERATED, "generated.py"), BUDGET, count_words)
    with pytest.raises(DocumentError, match=r"^\.env is in no prompt: "):
        ContextPacker(None).pack(at_end_of("A=\n", ".env"), BUDGET, count_words)


def test_a_packer_without_a_placement_gives_other_files_all_of_their_room(workspace: Workspace) -> None:
    names = [f"many{n}_1" for n in range(20)]
    snapshot = at_end_of(f"from many import {', '.join(names)}\nx = [{', '.join(names)}")
    alone = ContextPacker(workspace, keeps_placement=False)
    first = alone.pack(snapshot, BUDGET, count_words)
    assert first == pack(snapshot, collect(snapshot, workspace), BUDGET, count_words)
    alone.pack(IMPORTS, BUDGET, count_words)
    assert alone.pack(snapshot, BUDGET, count_words) == first
    placing = ContextPacker(workspace).pack(snapshot, BUDGET, count_words)
    assert 0.7 * count_words(first.context) < count_words(placing.context) < 0.9 * count_words(first.context)


def test_nothing_is_collected_again_while_the_cursor_stays_near(workspace: Workspace) -> None:
    packer = ContextPacker(workspace)
    first = packer.pack(IMPORTS, BUDGET, count_words)
    assert {file.path for file in first.files} == {"price.py", "stock.py"}
    assert all(segment.moved for segment in first.segments)
    # `many` would matter here, but the cursor is on the same line.
    second = packer.pack(at_end_of(f"{IMPORTS.document.text}many3_1, "), BUDGET, count_words)
    assert second.files == first.files
    assert [segment.moved for segment in second.segments] == [False, False, False]


def test_the_placed_files_are_those_of_the_last_prompt_or_of_a_first_one(workspace: Workspace) -> None:
    packer = ContextPacker(workspace)
    assert packer.placed_files(None, (), BUDGET, count_words) == ()
    excluded = Document("generated.py", GENERATED, "python", 1)
    assert packer.placed_files(excluded, (), BUDGET, count_words) == ()
    placed = packer.placed_files(IMPORTS.document, (), BUDGET, count_words)
    assert {file.path for file in placed} == {"price.py", "stock.py"}
    assert packer.pack(IMPORTS, BUDGET, count_words).files == placed
    assert packer.placed_files(None, (), BUDGET, count_words) == placed
    changed = Document("stock.py", "gone = True\n", "python", 2)
    assert [file.path for file in packer.placed_files(None, (changed,), BUDGET, count_words)] == ["price.py"]


def test_typing_jumping_and_switching_leave_nearly_all_tokens_where_they_were() -> None:
    """A replay of 300 keystrokes in two files that show each other."""
    rng = random.Random(1)
    texts = {name: source(400, name) for name in ("one", "two")}
    others = tuple(Document(f"o{n}.py", source(60, f"o{n}_"), "python", 1) for n in range(6))
    packer = ContextPacker(None)
    shares, same_line, last, last_place = [], [], "", ("", -1)
    for key in range(300):
        name = "two" if 150 <= key < 225 else "one"
        if key % 75 == 0:
            cursor = texts[name].index(f"def {name}{rng.randrange(100, 300)}(")
        typed = "\n" if key % 20 == 19 else rng.choice("abc_ (")
        texts[name] = texts[name][:cursor] + typed + texts[name][cursor:]
        cursor += 1
        document = Document(f"{name}.py", texts[name], "python", key)
        other = "one" if name == "two" else "two"
        snapshot = Snapshot(document, cursor, (Document(f"{other}.py", texts[other], "python", 0), *others))
        it = packer.pack(snapshot, Budget(8192), count_words)
        prompt = it.context + it.prefix
        place = (name, document.position_at(cursor)[0])
        if last:
            common = next((n for n, (a, b) in enumerate(zip(prompt, last, strict=False)) if a != b), len(last))
            shares.append(common / len(prompt))
            if place == last_place:
                same_line.append(shares[-1])
        last, last_place = prompt, place
    assert sorted(shares)[len(shares) // 2] >= 0.95
    assert min(same_line) >= 0.9


def test_a_key_has_no_other_open_buffer_masked_judged_or_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(opened(f"{name}.py", source(10_000, name)) for name in ("price", "stock", "order", "bill", "sum"))
    assert sum(len(other.text) for other in others) > 1_500_000
    typed = opened("here.py", "import price\n" + "\n" * 50)
    packer = ContextPacker(None)
    packer.pack(Snapshot(typed, 20, others), BUDGET, count_words)
    read: list[str] = []
    parsers = ((ParserProcesses, "outline"), (parser_process, "parse"))
    for place, name in ((masking, "search"), (collecting, "judge_buffer"), *parsers):
        monkeypatch.setattr(place, name, noting_name(getattr(place, name), read))
    for cursor in (21, 22, 50):  # at the last one, snippets are collected again
        typed = replace(typed, text=typed.text[:cursor] + "x" + typed.text[cursor:], version=typed.version + 1)
        packer.pack(Snapshot(typed, cursor + 1, others), BUDGET, count_words)
    assert read == ["judge_buffer", "search"] * 3  # of the document at the cursor


def opened(path: str, text: str) -> Document:
    return Document(path, text, "python", 1, last_results=WeakKeyDictionary())


def noting_name(function: Callable[..., Any], called: list[str]) -> Callable[..., Any]:
    """Return the function, which notes its name first."""

    def call_noting(*arguments: Any) -> Any:
        called.append(function.__name__)
        return function(*arguments)

    return call_noting


def test_a_prompt_of_the_file_alone_leaves_the_placement_as_it_is() -> None:
    packer = ContextPacker(None)
    other = Document("b.py", "def helper(first, second):\n    return first + second\n" * 6, "python", 1)
    here = Document("a.py", "import b\n\nx = b.\n", "python", 1)
    snapshot = Snapshot(here, 16, (other,))
    before = packer.pack(snapshot, Budget(1000), len)
    alone = packer.pack_alone(snapshot, Budget(200), len)
    after = packer.pack(snapshot, Budget(1000), len)
    assert "helper" in before.context
    assert alone.context == ""
    assert alone.prefix.endswith("x = b.")
    assert not any(segment.moved for segment in after.segments)


def test_a_file_that_changes_on_the_disk_has_its_new_text_in_the_next_prompt(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"price.py": "def price_of(item, old): ...\n"})
    workspace = Workspace(root, tmp_path / "cache")
    workspace.start()
    assert workspace.wait_until_settled(SECONDS)
    text = "from price import price_of\n\nprice_of("
    snapshot = Snapshot(Document("here.py", text, "python", 1), len(text))
    packer = ContextPacker(workspace)
    assert "old" in packer.pack(snapshot, BUDGET, len).context
    write_tree(root, {"price.py": "def price_of(item, new): ...\n"})
    end = time.monotonic() + SECONDS
    while "new" not in workspace.view().whole_text("price.py") and time.monotonic() < end:
        time.sleep(0.02)
    assert workspace.wait_until_settled(SECONDS)
    context = packer.pack(snapshot, BUDGET, len).context
    assert "new" in context
    assert "old" not in context
    workspace.close()
