"""A document's ids decode to exactly its text, and its middle ends with EOS."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from training.corpus.files import SourceFile
from training.corpus.tokenizer import SENTINELS, TextEncoder
from training.documents.document_source import IGNORED, MIDDLE_WEIGHT, DocumentSource
from training.documents.fim import Budget, FimText, encode_fim, encode_plain
from training.documents.holes import Reach, choose_hole, choose_name_hole, skip_prose
from training.documents.related import choose_context, title_of

TEXT = FimText(
    context="# p/other.py\ndef area(w, h):\n    return w * h\n",
    header="# p/here.py\n",
    prefix="from p.other import area\n\nprint(area(",
    middle="2, 3",
    suffix="))\nprint('end')\n",
)
ROOMY = Budget(tokens=400, suffix_tokens=100, context_share=0.5)


def between(ids: list[int], start: int, end: int) -> list[int]:
    return ids[ids.index(start) + 1 : ids.index(end)]


def test_psm_holds_every_part_in_its_place(encoder: TextEncoder) -> None:
    ids = encode_fim(encoder, TEXT, ROOMY, spm=False)
    assert ids is not None
    assert ids[:2] == [encoder.bos, encoder.begin]
    before = encoder.decode(between(ids, encoder.begin, encoder.hole))
    assert before == TEXT.context + TEXT.header + TEXT.prefix
    assert encoder.decode(between(ids, encoder.hole, encoder.end)) == TEXT.suffix
    assert encoder.decode(between(ids, encoder.end, encoder.eos)) == TEXT.middle
    assert ids[-1] == encoder.eos


def test_spm_holds_every_part_in_its_place(encoder: TextEncoder) -> None:
    ids = encode_fim(encoder, TEXT, ROOMY, spm=True)
    assert ids is not None
    assert encoder.decode(between(ids, encoder.bos, encoder.hole)) == TEXT.context
    assert encoder.decode(between(ids, encoder.hole, encoder.begin)) == TEXT.suffix
    assert encoder.decode(between(ids, encoder.begin, encoder.end)) == TEXT.header + TEXT.prefix
    assert encoder.decode(between(ids, encoder.end, encoder.eos)) == TEXT.middle
    assert ids[-1] == encoder.eos


def test_parts_are_tokenized_on_their_own(encoder: TextEncoder) -> None:
    text = FimText("", "# p/a.py\n", "val = ret", "urn", " x\n")
    ids = encode_fim(encoder, text, ROOMY, spm=False)
    assert ids is not None
    middle = encoder.encode("urn")
    assert ids[-1 - len(middle) : -1] == middle


@pytest.mark.parametrize("spm", [False, True])
def test_a_tight_budget_cuts_whole_lines_and_keeps_the_path(encoder: TextEncoder, spm: bool) -> None:
    long = FimText(TEXT.context * 20, TEXT.header, "line = 1\n" * 80 + "x = ", "last", "\ny = 2\n" * 30)
    for tokens in (64, 100, 200):
        ids = encode_fim(encoder, long, Budget(tokens, 20, 0.3), spm)
        assert ids is not None
        assert len(ids) <= tokens
        text = encoder.decode(ids)
        assert TEXT.header + "line = 1\n" in text
        assert "line = 1\nx = " in text
        assert text.endswith("x = last" if spm else "last")


def test_a_middle_that_fills_the_budget_is_refused(encoder: TextEncoder) -> None:
    text = FimText("", "# a.py\n", "x", "word " * 100, "")
    assert encode_fim(encoder, text, Budget(100, 10, 0.0), spm=False) is None


def test_a_plain_document_has_eos_only_when_it_is_whole(encoder: TextEncoder) -> None:
    whole = encode_plain(encoder, "", "x = 1\n", ROOMY)
    assert whole == [encoder.bos, *encoder.encode("x = 1\n"), encoder.eos]
    cut = encode_plain(encoder, "", "x = 1\n" * 200, ROOMY)
    assert len(cut) <= ROOMY.tokens
    assert encoder.eos not in cut


def test_sentinels_in_user_text_never_become_control_tokens(encoder: TextEncoder) -> None:
    spelled = "".join(SENTINELS)
    text = FimText(spelled, f"# {spelled}\n", spelled, spelled, spelled)
    ids = encode_fim(encoder, text, Budget(2000, 900, 0.3), spm=False)
    assert ids is not None
    control = [i for i in ids if i >= encoder.bos]
    assert control == [encoder.bos, encoder.begin, encoder.hole, encoder.end, encoder.eos]


def test_holes_end_where_completions_end(sources: dict[str, str]) -> None:
    rng = Random(5)
    text = sources["training/model/deepseek_v2.py"]
    ends = 0
    for _ in range(400):
        hole = choose_hole(text, rng.randrange(len(text)), rng)
        assert 0 <= hole.start <= hole.end <= len(text)
        following = text[hole.end : hole.end + 1]
        ends += following in {"", "\n", ")", "]", "}"} or text[hole.end - 1] == "\n"
    assert ends > 320


def test_a_hole_at_a_name_is_at_the_first_that_only_another_file_has() -> None:
    others = ["class Widget", "def make_table"]
    text = (
        "from p import area, Widget\n" + "x = 1\n" * 20 + "size = area(1)\nwidget = Widget(size)\nmake_table(widget)\n"
    )
    for seed in range(20):
        for before, name, rest in ((60, "Widget", "(size)"), (400, "make_table", "(widget)")):
            found = choose_name_hole(text, text.index("size"), others, Reach(before, 0), Random(seed))
            assert found is not None
            assert found.name == name
            assert name.endswith(text[found.hole.start : found.hole.end].removesuffix(rest))
            assert text[found.hole.end] == "\n"
    assert choose_name_hole(text, 0, ["nothing"], Reach(400, 0), Random(1)) is None


def test_a_hole_at_a_name_is_not_where_the_suffix_has_it_or_in_prose() -> None:
    text = "a = 1\nsize = Widget(1)\nother = Widget(2)\n"
    assert choose_name_hole(text, 0, ["Widget"], Reach(400, 0), Random(1)) is not None
    assert choose_name_hole(text, 0, ["Widget"], Reach(400, 40), Random(1)) is None
    for prose in ("# A Widget.\n", "  // A Widget.\n", "/* A Widget. */\n", " * Widget.\n", '"""A Widget."""\n'):
        assert choose_name_hole(prose, 0, ["Widget"], Reach(400, 0), Random(1)) is None
    assert choose_name_hole("#include <Widget>\n", 0, ["Widget"], Reach(400, 0), Random(1)) is not None


def test_the_piece_with_the_answer_stands_nearest() -> None:
    answer = SourceFile("p/far.go", "filler line\n" * 200 + "func findWidget() {}\n" + "filler line\n" * 200, ())
    others = [SourceFile(f"p/{name}.go", f"{name} = window\n" * 100, ()) for name in ("one", "two")]
    for seed in range(20):
        context = choose_context([others[0], answer, others[1]], "window", 600, Random(seed), "findWidget")
        last = context.rindex("// p/")
        assert context[last:].startswith("// p/far.go\n")
        assert "findWidget" in context[last:]
        assert len(context) < 3000


def test_most_middles_begin_where_a_word_does(encoder: TextEncoder, package: list[SourceFile]) -> None:
    source = DocumentSource([package], encoder, sequence_tokens=256, seed=3, fim_rate=1.0)
    within = whole = 0
    for number in range(200):
        ids, answer_tokens = source.draw(number, 256)
        if not answer_tokens or ids.index(encoder.begin) < ids.index(encoder.hole):
            continue  # in PSM the prefix does not stand before the middle
        before = encoder.decode(ids[: ids.index(encoder.end)])
        middle = encoder.decode(ids[ids.index(encoder.end) :])
        is_within = before[-1:].isalpha() and middle[:1].isalpha()
        within, whole = within + is_within, whole + (not is_within)
    assert whole > 100
    assert 0 < within < whole / 5


def test_the_word_at_a_place_is_the_one_that_the_engine_takes_back(encoder: TextEncoder) -> None:
    text = "import os\nif os.path.isf"
    assert text[encoder.word_start(text, len(text)) :] == "isf"
    assert encoder.word_start(text, text.index("\n") + 1) == text.index("\n") + 1
    assert text[encoder.word_start(text, text.index("os.path")) :] == " os.path.isf"


def test_a_place_in_prose_moves_behind_it() -> None:
    text = 'def f():\n    """Say\n    more."""\n    return 1\n'
    assert text[skip_prose("a.py", text, text.index("more")) :] == "    return 1\n"
    assert skip_prose("a.py", text, text.index("return")) == text.index("return")
    text = "/* Say\n * more. */\nint a;\n// Of b,\n// more.\nint b;\n"
    assert text[skip_prose("a.c", text, text.index("more")) :].startswith("int a;")
    assert text[skip_prose("a.c", text, text.index("Of b")) :] == "int b;\n"
    assert skip_prose("a.c", text, text.index("a;")) == text.index("a;")


@pytest.mark.parametrize(
    ("path", "line"),
    [("p/a.py", "# p/a.py\n"), ("src/a.tsx", "// src/a.tsx\n"), ("a.go", "// a.go\n"), ("a.h", "// a.h\n")],
)
def test_the_line_above_a_file_is_the_engine_s(path: str, line: str) -> None:
    assert title_of(path) == line


def test_each_language_has_its_share_whatever_its_size(encoder: TextEncoder) -> None:
    def files(suffix: str, count: int) -> list[SourceFile]:
        return [SourceFile(f"{i}{suffix}", f"value{i} = {i};\n" * 300, ()) for i in range(count)]

    packages = [files(".py", 3), files(".ts", 40), files(".go", 1), files(".rs", 2), files(".c", 9)]
    source = DocumentSource(packages, encoder, sequence_tokens=256, seed=3, fim_rate=0.0)
    marks = {f"{i}{suffix}": suffix for suffix in (".py", ".ts", ".go", ".rs", ".c") for i in range(40)}
    counts: Counter[str] = Counter()
    for number in range(100):
        text = encoder.decode(source.draw(number, 256)[0])
        counts[next(marks[name] for name in reversed(text.split()) if name in marks)] += 1
    assert counts == {".py": 66, ".ts": 14, ".go": 8, ".rs": 6, ".c": 6}


def test_rows_are_full_of_whole_documents_and_depend_on_the_position_alone(
    encoder: TextEncoder, package: list[SourceFile]
) -> None:
    def source() -> DocumentSource:
        return DocumentSource([package], encoder, sequence_tokens=256, seed=3)

    drawn = source().fill_rows(6, number=10)
    inputs, targets, weights = drawn.inputs, drawn.targets, drawn.weights
    assert np.array_equal(inputs, source().fill_rows(6, number=10).inputs)
    one_by_one = source()
    number, rows = 10, []
    for _ in range(6):
        row = one_by_one.fill_rows(1, number)
        rows.append(row.inputs)
        number = row.next_document
    assert np.array_equal(inputs, np.concatenate(rows))
    assert number == drawn.next_document
    assert (inputs[:, 0] == encoder.bos).all()
    assert (targets != IGNORED).mean() > 0.8
    assert not (targets == encoder.bos).any()
    assert ((weights > 0) == (targets != IGNORED)).all()
    assert {encoder.begin, encoder.hole, encoder.end} <= set(inputs.flat)


def test_only_the_middle_and_its_end_weigh_more(encoder: TextEncoder, package: list[SourceFile]) -> None:
    drawn = DocumentSource([package], encoder, sequence_tokens=256, seed=3, fim_rate=1.0).fill_rows(8, number=0)
    heavy = drawn.weights == MIDDLE_WEIGHT
    assert 0 < heavy.mean() < 0.5
    for targets, weighs in zip(drawn.targets, heavy, strict=True):
        runs = np.flatnonzero(np.diff(np.concatenate(([0], weighs.astype(np.int64), [0]))))
        for start, end in runs.reshape(-1, 2):
            assert targets[end - 1] == encoder.eos
            assert (targets[start : end - 1] < encoder.bos).all()
            document = targets[:start].tolist()
            assert encoder.end in document  # the sentinel stands before every middle
