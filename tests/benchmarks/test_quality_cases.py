"""The cases about other files ask what they say they ask."""

import re

import pytest

from benchmarks import quality_names, quality_repository
from benchmarks.quality_fills import Fill
from benchmarks.quality_names import NameCase
from benchmarks.quality_repository import ALONE, DEFINITION_OPEN, FILE_OPEN, RepositoryCase
from midspan import SettingsError
from training.data import SourceFile, order_files

OTHER = (
    "\n".join(f"line_{i} = {i}" for i in range(40)) + "\n\n\nclass Parser:\n    def parse_header(self):\n        pass\n"
)
CURRENT = '''"""Reads with parse_header."""

from package.other import Parser


def read(text):
    parser = Parser(text)
    if text:
        return parser.parse_header(text)
    return None
'''


@pytest.mark.parametrize("case", quality_names.read_cases(), ids=lambda case: case.title)
def test_a_name_stands_once_in_the_other_file_and_not_before_the_cursor(case: NameCase) -> None:
    begun = re.search(r"\w+$", case.before)
    assert begun is not None
    name = begun.group() + case.wanted
    assert len(re.findall(rf"\b{name}\b", case.other)) == 1
    assert name not in case.before + case.after
    assert re.match(r"\w", case.after) is None


def test_only_the_whole_name_is_right() -> None:
    case = quality_names.read_cases()[0]
    assert quality_names.judge(case, Fill(f"{case.wanted}(order)", "eos")) == {"right": 1.0}
    assert quality_names.judge(case, Fill(case.wanted, "eos")) == {"right": 1.0}
    for line in ("", case.wanted[:-1], f"{case.wanted}s(order)", f"{case.wanted}_2", f" {case.wanted}"):
        assert quality_names.judge(case, Fill(line, "eos")) == {"right": 0.0}


def test_there_are_twenty_of_them() -> None:
    assert len({case.title for case in quality_names.read_cases()}) == 20


@pytest.fixture
def files() -> list[SourceFile]:
    return order_files({"package/other.py": OTHER, "package/current.py": CURRENT.replace(" with parse_header", "")})


@pytest.fixture
def case(files: list[SourceFile], monkeypatch: pytest.MonkeyPatch) -> RepositoryCase:
    monkeypatch.setattr(quality_repository, "load_files", lambda part: [files])
    (case,) = quality_repository.draw_cases(1)
    return case


def test_a_hole_needs_a_name_of_the_other_file(case: RepositoryCase) -> None:
    assert case.name == "parse_header"
    assert case.text[case.start : case.end] == "parse_header(text)"
    assert case.text[: case.start].endswith("return parser.")


def test_the_three_ways_differ_in_what_is_open(case: RepositoryCase) -> None:
    snapshots = quality_repository.snapshots_of(case)
    opened = {way: [document.text for document in snapshot.open_documents] for way, snapshot in snapshots.items()}
    assert opened[ALONE] == []
    assert opened[FILE_OPEN] == [OTHER]
    (part,) = opened[DEFINITION_OPEN]
    assert "def parse_header" in part
    assert "line_1 =" not in part
    for snapshot in snapshots.values():
        assert "parse_header" not in snapshot.document.text
        assert snapshot.document.text[snapshot.cursor - 7 : snapshot.cursor + 1] == "parser.\n"


def test_a_name_that_stands_elsewhere_in_the_file_is_no_case(monkeypatch: pytest.MonkeyPatch) -> None:
    files = order_files({"package/other.py": OTHER, "package/current.py": CURRENT})
    monkeypatch.setattr(quality_repository, "load_files", lambda part: [files])
    with pytest.raises(SettingsError, match="0 cases"):
        quality_repository.draw_cases(1)


def test_a_near_miss_has_similarity_and_the_name(case: RepositoryCase) -> None:
    assert quality_repository.judge(case, Fill("parse_header(text)  ", "eos")) == {
        "exact_match": 1.0,
        "edit_similarity": 1.0,
        "identifier_match": 1.0,
    }
    near = quality_repository.judge(case, Fill("parse_header()", "eos"))
    assert (near["exact_match"], near["identifier_match"]) == (0.0, 1.0)
    assert 0.8 < near["edit_similarity"] < 1.0
    assert quality_repository.judge(case, Fill("parse_headers", "eos"))["identifier_match"] == 0.0
