"""`midspan eval next-edit` on a made-up pair of releases."""

import json
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from evaluation import evaluate
from evaluation.next_edit import releases
from evaluation.suites import Choices
from lsp_server.settings.values import CompletionSettings
from midspan import SettingsError
from tests.evaluation.next_edit.made_up_releases import NEW, OLD


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the two wheels, which are pinned as a held-out package and nothing as a tuning one."""
    entry: dict[str, object] = {"package": "package", "language": "python", "licence": "MIT", "use": "held out"}
    for name, version, files in (("old", "1.0", OLD), ("new", "1.1", NEW)):
        path = tmp_path / f"package-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for file, text in files.items():
                wheel.writestr(file, text)
        digest = sha256(path.read_bytes()).hexdigest()
        entry[name] = {"version": version, "file": path.name, "sha256": digest}
    pins = tmp_path / "releases.json"
    pins.write_text(json.dumps([entry]), encoding="utf-8")
    monkeypatch.setattr(releases, "_PINS", pins)
    return tmp_path


def test_it_prints_the_figures_and_writes_each_case(archives: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    choices = Choices(packages=archives)
    out = archives / "out"
    assert evaluate.evaluate("next-edit", CompletionSettings(), choices, as_json=True, folder=out) == 0
    figures = json.loads(capfdbinary.readouterr().out)
    assert figures == json.loads((out / "next-edit.json").read_text(encoding="utf-8"))
    assert {"n", "found_in_3", "right_of_shown", "quiet_rate", "p95_ms"} <= figures.keys()
    assert figures["n"] == len(figures["cases"]) == figures["groups"]["python"]["n"]
    assert figures["set"] == "package 1.0..1.1; seed 17"
    renamed = next(case for case in figures["cases"] if case["cause"] == "rename")
    assert renamed["found"]
    assert "rename: package/main.py:1 'read_row' -> 'split_row'" in renamed["shown"]
    assert "| quiet | 2 |" in (out / "next-edit.md").read_text(encoding="utf-8")


def test_an_archive_that_is_gone_is_named(archives: Path) -> None:
    (archives / "package-1.1-py3-none-any.whl").unlink()
    with pytest.raises(SettingsError, match=r"package-1\.1-py3-none-any\.whl does not exist"):
        evaluate.evaluate("next-edit", CompletionSettings(), Choices(packages=archives), as_json=True, folder=None)
