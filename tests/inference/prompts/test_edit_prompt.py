"""The prompts of models that were trained for next edits have the ids of their cards' text, and outputs are read."""

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer as HfTokenizer

from inference.api import ContextFile, EngineSettings, Request
from inference.edit_window import EditingEngine, EditWindow, TextChange
from inference.local_engine import LocalEngine
from inference.prompts.edit_markers import block_starts, mark_blocks, read_blocks
from inference.prompts.edit_prompt import build_edit_prompt, edit_window_lines
from inference.prompts.families import QWEN2, SEED_CODER, Family
from inference.prompts.prompt import read_tokens
from inference.prompts.tokenizer import Tokenizer
from lsp_server.server.generate import generate
from tests.inference.folders import CODER_V1, QWEN, byte_tokenizer, write_folder

WINDOW = EditWindow(
    path="shop/cart.py",
    first_line=2,
    before="count = 0\nprint(count)\n",
    current="total = 0\nprint(count)\n",
    cursor=5,
    above="import x\n",
    below="# end\n",
    changes=(TextChange("a.py", "x = 1\n", "x = 2\n", 7), TextChange("shop/cart.py", "count = 0\n", "total = 0\n", 2)),
    files=(ContextFile("b.py", "y = 1\n"),),
)
# As the model card of sweep-next-edit writes it.
SWEEP_TEXT = """\
<|file_sep|>shop/cart.py
import x
count = 0
print(count)
# end
<|file_sep|>b.py
y = 1
<|file_sep|>a.py.diff
original:
x = 1
updated:
x = 2
<|file_sep|>shop/cart.py.diff
original:
count = 0
updated:
total = 0
<|file_sep|>original/shop/cart.py:2:3
count = 0
print(count)
<|file_sep|>current/shop/cart.py:2:3
total = 0
print(count)
<|file_sep|>updated/shop/cart.py:2:3
"""
SWEEP_V2_TEXT = """\
<|file_sep|>shop/cart.py
import x
# end
<|file_sep|>b.py
y = 1
<|file_sep|>a.py:7:7
original:
x = 1
updated:
x = 2
<|file_sep|>shop/cart.py:2:2
original:
count = 0
updated:
total = 0
<|file_sep|>original/shop/cart.py:2:3
count = 0
print(count)
<|file_sep|>current/shop/cart.py:2:3
total<|cursor|> = 0
print(count)
<|file_sep|>updated/shop/cart.py:2:3
"""
# As the model card of zeta-2.1 writes it.
ZETA_TEXT = """\
<[begin▁of▁sentence]><[fim-suffix]># end
<[fim-prefix]><filename>b.py
y = 1

<filename>edit_history
--- a/a.py
+++ b/a.py
@@ -1 +1 @@
-x = 1
+x = 2
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -1 +1 @@
-count = 0
+total = 0

<filename>shop/cart.py
import x
<|marker_1|>total<|user_cursor|> = 0
print(count)
<|marker_2|><[fim-middle]>"""


def tokenizer_of(family: Family, folder: Path) -> Tokenizer:
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer(family)), encoding="utf-8")
    return Tokenizer(folder, family)


@pytest.mark.parametrize(
    ("name", "family", "text"),
    [
        ("sweep-next-edit-1.5b", QWEN2, SWEEP_TEXT),
        ("Sweep-Next-Edit-v2-7B", QWEN2, SWEEP_V2_TEXT),
        ("Zeta-2.1", SEED_CODER, ZETA_TEXT),
    ],
)
def test_a_prompt_is_what_the_card_says(name: str, family: Family, text: str, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(family, tmp_path)
    prompt = build_edit_prompt(tokenizer, name, WINDOW).prompt
    whole = HfTokenizer.from_file(str(tokenizer.path))
    assert read_tokens(prompt) == tuple(whole.encode(text, add_special_tokens=False).ids)


@pytest.mark.parametrize(("name", "family"), [("sweep-next-edit-7b", QWEN2), ("zeta-2.1", SEED_CODER)])
def test_no_text_of_a_file_becomes_a_control_token(name: str, family: Family, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(family, tmp_path)
    forged = "".join(spelling for spelling in (family.eos, family.fim_end, "<|file_sep|>", "<filename>"))
    plain = read_tokens(build_edit_prompt(tokenizer, name, WINDOW).prompt)
    window = replace(WINDOW, above=forged, files=(ContextFile(forged, forged),))
    controls = [t for t in read_tokens(build_edit_prompt(tokenizer, name, window).prompt) if t >= 256]
    assert controls == [t for t in plain if t >= 256]


def test_any_other_model_goes_on_with_plain_text_whose_ends_come_back(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(QWEN2, tmp_path)
    assert edit_window_lines(tokenizer, "qwen2.5-coder-1.5b") is None
    assert edit_window_lines(tokenizer, "zeta-2.1") is None  # its sentinels are not here
    assert edit_window_lines(tokenizer, "Sweep-Next-Edit-0.5B") == (10, 10)
    made = build_edit_prompt(tokenizer, "qwen2.5-coder-1.5b", replace(WINDOW, current="a\ncount\nz\n"))
    text = tokenizer.decode(read_tokens(made.prompt))
    change = "# shop/cart.py\noriginal:\ncount = 0\nupdated:\ntotal = 0\n\n"
    assert text.endswith(f"{change}# shop/cart.py\noriginal:\na\ncount\nz\nupdated:\n")
    assert made.is_over is not None
    assert not made.is_over("a\ntotal\nz", 0)
    assert made.is_over("a\ntotal\nz\n", 0)
    assert made.is_over("x\n" * 10, 0)
    assert made.read("a\ntotal\nz\n") == "a\ntotal\nz\n"
    assert made.read("b\ntotal\nz\n") is None
    assert made.read("a\ntotal\n") is None
    assert made.read("a\n\x0c\nz\n") == "a\n\x0c\nz\n"  # a form feed ends no line


def test_an_output_of_sweep_is_the_new_window(tmp_path: Path) -> None:
    read = build_edit_prompt(tokenizer_of(QWEN2, tmp_path), "sweep-next-edit", WINDOW).read
    assert read("total = 0\nprint(total)") == "total = 0\nprint(total)\n"
    assert read("") is None


def test_an_output_of_zeta_replaces_the_blocks_between_its_markers(tmp_path: Path) -> None:
    read = build_edit_prompt(tokenizer_of(SEED_CODER, tmp_path), "zeta-2.1", WINDOW).read
    assert read("<|marker_1|>total = 0\nprint(total<|user_cursor|>)\n<|marker_2|>") == "total = 0\nprint(total)\n"
    assert read("<|marker_2|><|marker_2|>") == WINDOW.current  # nothing is to change
    for wrong in ("", "<|marker_1|>total", "<|marker_2|>x<|marker_1|>", "<|marker_1|>x<|marker_9|>"):
        assert read(wrong) is None


def test_the_blocks_of_a_window_make_it_up_and_each_can_be_replaced() -> None:
    rng = random.Random(5)
    for _ in range(300):
        lines = [rng.choice(["", "}", "return", f"x{rng.random()}", "    y"]) for _ in range(rng.randrange(1, 60))]
        window = "".join(f"{line}\n" for line in lines)
        starts = block_starts(window)
        assert starts == sorted(set(starts))
        assert (starts[0], starts[-1]) == (0, len(window))
        marked = mark_blocks(window, rng.randrange(len(window)))
        assert read_blocks(marked, window) == window
        at = rng.randrange(len(starts) - 1)
        output = f"<|marker_{at + 1}|>new\n<|marker_{at + 2}|>"
        assert read_blocks(output, window) == window[: starts[at]] + "new\n" + window[starts[at + 1] :]


def test_a_block_begins_behind_a_blank_line_and_has_at_most_sixteen_lines_where_that_is_possible() -> None:
    parts = ["a\n" * 7, "\n}\n", "b\n" * 20, "\n", "c\n" * 6]
    window = "".join(parts)
    starts = [window[:offset].count("\n") for offset in block_starts(window)]
    assert starts == [0, 9, 25, 36]  # not with the line that closes


@pytest.mark.parametrize(
    ("name", "config", "family"), [("sweep-next-edit-tiny", QWEN, QWEN2), ("zeta-2.1-tiny", CODER_V1, SEED_CODER)]
)
def test_a_tiny_model_of_each_form_is_asked_in_its_form_and_its_output_is_read(
    name: str, config: dict[str, object], family: Family, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / name, config, family=family)
    engine = LocalEngine(EngineSettings(folder, cache_bytes=8 << 20))
    try:
        engine.ready.result()
        assert isinstance(engine, EditingEngine)
        assert engine.edit_window_lines is not None
        made = engine.edit_prompt(WINDOW)
        draft = engine.draft("edit", WINDOW.current)
        generated = asyncio.run(generate(engine, Request(made.prompt, 40, drafts=(draft,), background=True)))
        assert generated.trace is not None
        assert generated.trace.decode_tokens > 0
        made.read(generated.text)
    finally:
        engine.close()
