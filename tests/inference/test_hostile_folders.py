"""A hostile model folder is refused in one line, soon and without much memory, whoever loads it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.inference.hostile_folders import WITH_WEIGHTS, WITHOUT_WEIGHTS, Spoil, make
from tests.inference.limits import SMALL_BYTES, Answers, check_refusal, run_within_limits


def load_all(action: str, cases: Mapping[str, tuple[Spoil, str]], root: Path) -> Answers:
    folders = [make(root / str(number), spoil) for number, (spoil, _) in enumerate(cases.values())]
    return dict(zip(cases, run_within_limits(action, folders, root), strict=True))


@pytest.fixture(scope="module")
def refused_early(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return load_all("load", WITHOUT_WEIGHTS, tmp_path_factory.mktemp("early"))


@pytest.fixture(scope="module")
def refused_late(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return load_all("load", WITH_WEIGHTS, tmp_path_factory.mktemp("late"))


@pytest.mark.parametrize("name", WITHOUT_WEIGHTS)
def test_a_hostile_config_or_tokenizer_is_refused_in_one_line(refused_early: Answers, name: str) -> None:
    check_refusal(refused_early[name], WITHOUT_WEIGHTS[name][1])


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_hostile_weights_are_refused_in_one_line(refused_late: Answers, name: str) -> None:
    check_refusal(refused_late[name], WITH_WEIGHTS[name][1])


def test_no_hostile_folder_takes_much_memory_or_imports_torch_before_it_is_read(refused_early: Answers) -> None:
    last = list(refused_early.values())[-1]
    assert last["peak_bytes"] < SMALL_BYTES
    assert not last["torch"]


def test_import_refuses_each_hostile_folder_too(tmp_path: Path) -> None:
    answers = load_all("import", WITHOUT_WEIGHTS | WITH_WEIGHTS, tmp_path)
    for answer in answers.values():
        check_refusal(answer, str(tmp_path))
    assert not list(tmp_path.glob("store/models/*"))
