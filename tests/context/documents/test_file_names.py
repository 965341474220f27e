from pathlib import Path

import pytest

from context.documents.file_names import nearest_root, relative_path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "real/inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    return tmp_path


@pytest.mark.parametrize(("path", "below"), [("real/a.py", "link"), ("link/a.py", "real"), ("link/a.py", "link")])
def test_a_file_lies_in_a_root_also_by_the_other_name_of_the_folder(root: Path, path: str, below: str) -> None:
    assert nearest_root(root / path, [root / "elsewhere", root / below]) == root / below
    assert relative_path(root / path, root / below) == "a.py"


def test_a_name_that_begins_with_a_roots_is_taken_before_where_its_links_lead(root: Path) -> None:
    (root / "real/inner/out").symlink_to("/")
    assert nearest_root(root / "link/inner/a.py", [root / "real/inner", root / "link"]) == root / "link"
    assert relative_path(root / "real/inner/out/a.py", root / "real") == "inner/out/a.py"


def test_a_link_to_a_file_keeps_its_own_name(root: Path) -> None:
    (root / "real/a.py").write_text("")
    (root / "link.py").symlink_to("real/a.py")
    assert nearest_root(root / "link.py", [root / "real"]) is None
    assert relative_path(root / "link.py", root / "real") == (root / "link.py").as_posix()
