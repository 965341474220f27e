"""The holes of the repository suite need another file, and the ways of asking differ only in what they show of it."""

from pathlib import Path

import pytest

from context.index.workspace import Workspace
from evaluation import repository
from evaluation.held_out_packages import HeldOutPackage, load_packages
from evaluation.holes import Hole, draw_holes
from evaluation.questions import Fill
from evaluation.repository import ALONE, DEFINITION_OPEN, REPOSITORY, gain_from_context, run_hole, snapshots_of
from evaluation.results import KeptResults
from lsp_server.settings.values import CompletionSettings
from midspan import SettingsError
from tests.evaluation.made_up_package import CURRENT, FILES, OTHER, write_package, write_wheel
from tests.fake_engine import FakeEngine, read_prompt


def holes_of(tmp_path: Path, files: dict[str, str]) -> dict[str, Hole]:
    return {hole.kind: hole for hole in draw_holes([write_package(tmp_path, files)], 100)}


def test_a_line_begins_where_typing_pauses_and_a_block_is_the_whole_inside(tmp_path: Path) -> None:
    holes = holes_of(tmp_path, FILES)
    line, block = holes["line"], holes["block"]
    assert (line.name, line.wanted) == ("parse_header", "parse_header(text)")
    assert line.text[: line.start].endswith("return parser.")
    assert block.name == "close_stream"
    assert block.wanted == "parser.close_stream()\n        parser.wait()\n        parser.close_stream()"
    assert block.text[: block.start].endswith("for _ in range(3):\n        ")


def test_a_name_that_stands_elsewhere_in_the_file_is_no_case(tmp_path: Path) -> None:
    told = f"{CURRENT}\n\nBOTH = [Parser.parse_header, Parser.close_stream]\n"
    assert not holes_of(tmp_path, FILES | {"package/current.py": told})


def test_a_name_of_a_file_that_is_not_imported_is_no_case(tmp_path: Path) -> None:
    apart = CURRENT.replace("from package.other import Parser", "from elsewhere.other import Parser")
    assert not holes_of(tmp_path, FILES | {"package/current.py": apart})


def test_a_smaller_set_is_the_beginning_of_a_larger_one() -> None:
    files = {f"package/{i}.py": CURRENT for i in range(9)} | {"package/other.py": OTHER}
    packages = [HeldOutPackage("package", Path(), files)]
    many = draw_holes(packages, 12)
    assert [hole.kind for hole in many] == ["line", "block"] * 6
    assert draw_holes(packages, 5) == many[:5]


def test_only_what_is_known_of_the_other_file_differs(tmp_path: Path) -> None:
    package = write_package(tmp_path / "source", FILES)
    hole = {hole.kind: hole for hole in draw_holes([package], 2)}["line"]
    asked = []

    def write(before: str, after: str) -> str:
        asked.append(before)
        return "parse_header(text)"

    workspace = Workspace(package.root, tmp_path / "cache")
    workspace.start()
    assert workspace.wait_until_settled(60)
    engine = FakeEngine(write)
    try:
        results = run_hole(
            engine, KeptResults(tmp_path / "kept.jsonl"), hole, {"package": lambda: workspace}, CompletionSettings()
        )
        prompts = dict(zip((REPOSITORY, ALONE, DEFINITION_OPEN), map(read_prompt, engine.requests), strict=True))
    finally:
        engine.close()
        workspace.close()
    assert [result.way for result in results] == ["lines, repository", "lines, alone", "lines, definition open"]
    assert all(result.scores["exact_match"] == 1.0 for result in results)
    assert {way: "def parse_header" in before for way, (before, _) in prompts.items()} == {
        REPOSITORY: True,
        ALONE: False,
        DEFINITION_OPEN: True,
    }
    assert "line_1 =" not in prompts[DEFINITION_OPEN][0]
    for before, after in prompts.values():
        assert "return parser.parse_header(text)" not in before + after  # not from the index either
        assert before.endswith("return parser.")


def test_the_hole_is_cut_out_of_what_is_shown(tmp_path: Path) -> None:
    for hole in draw_holes([write_package(tmp_path, FILES)], 2):
        for snapshot in snapshots_of(hole).values():
            assert hole.name not in snapshot.document.text
            assert snapshot.document.text[snapshot.cursor] == "\n"


def test_a_near_miss_has_similarity_and_the_name(tmp_path: Path) -> None:
    hole = holes_of(tmp_path, FILES)["line"]
    assert repository.judge(hole, Fill("parse_header(text)  ", "eos")) == {
        "exact_match": 1.0,
        "edit_similarity": 1.0,
        "identifier_match": 1.0,
    }
    near = repository.judge(hole, Fill("parse_header()", "eos"))
    assert (near["exact_match"], near["identifier_match"]) == (0.0, 1.0)
    assert 0.8 < near["edit_similarity"] < 1.0
    assert repository.judge(hole, Fill("parse_headers", "eos"))["identifier_match"] == 0.0


def test_the_gain_is_with_the_repository_less_without() -> None:
    def scores(value: float) -> dict[str, float]:
        return {"n": 4, **dict.fromkeys(repository.SCORES, value)}

    gains = gain_from_context({"lines, repository": scores(0.5), "lines, alone": scores(0.75)})
    assert gains == {"lines": dict.fromkeys(repository.SCORES, -0.25)}


def test_only_the_pinned_wheels_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pin = write_wheel(tmp_path, FILES | {"../escaped.py": "x = 1\n", "package/data.txt": "no code"})
    (package,) = load_packages(tmp_path, [pin])
    assert package.files == FILES
    assert (package.root / "package" / "other.py").read_text(encoding="utf-8") == OTHER
    assert not list(tmp_path.rglob("escaped.py"))
    write_wheel(tmp_path, FILES | {"package/other.py": "changed = 1\n"})
    with pytest.raises(SettingsError, match="sha256"):
        load_packages(tmp_path, [pin])
    (tmp_path / pin.wheel).unlink()
    with pytest.raises(SettingsError, match=r"package==1\.0"):
        load_packages(tmp_path, [pin])
