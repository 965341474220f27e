"""Both releases of a pair are read where the licence of each allows it, and no pair is held out elsewhere."""

import json
import zipfile
from pathlib import Path

import pytest

from training.packages import releases
from training.packages.pins import NPM, NPM_HELD_OUT
from training.packages.python_pins import DOWNLOADED, HELD_OUT, INSTALLED
from training.packages.release_pins import HELD_OUT as HELD_OUT_RELEASES
from training.packages.release_pins import RELEASES, ReleasePair

EVALUATION = Path(__file__).parents[3] / "evaluation" / "next_edit" / "releases.json"


def write_wheel(folder: Path, name: str, version: str, licence: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        about = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: {licence}\n\n"
        wheel.writestr(f"{name}-{version}.dist-info/METADATA", about)
        wheel.writestr(f"{name}/a.py", f"version = {version!r}\n")


@pytest.mark.parametrize(
    ("licences", "is_read"), [(("MIT", "MIT"), True), (("MIT", "GPL-3.0"), False), (("GPL-3.0", "MIT"), False)]
)
def test_a_pair_is_read_where_both_licences_allow_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, licences: tuple[str, str], is_read: bool
) -> None:
    monkeypatch.setattr(releases, "HELD_OUT", (ReleasePair("absent", "1.0", "2.0"),))
    monkeypatch.setattr(releases, "RELEASES", (ReleasePair("thing", "1.0", "2.0"),))
    (tmp_path / "wheels").mkdir()
    for version, licence in zip(("1.0", "2.0"), licences, strict=True):
        write_wheel(tmp_path / "wheels", "thing", version, licence)
    pairs = list(releases.read_releases(tmp_path))
    assert [(old.version, new.version, is_held_out) for old, new, is_held_out in pairs] == (
        [("1.0", "2.0", False)] if is_read else []
    )


def test_only_packages_of_the_training_text_that_no_evaluation_holds_out_are_trained_on() -> None:
    trained = {_plain(pin.partition("==")[0]) for pin in (*DOWNLOADED, *INSTALLED)}
    trained |= {pin.wanted.rpartition("@")[0] for pin in NPM}
    held_out = {
        _plain(entry["package"]) for entry in json.loads(EVALUATION.read_text("utf-8")) if entry["use"] == "held out"
    }
    held_out |= {_plain(pin.partition("==")[0]) for pin in HELD_OUT}
    held_out |= {pin.wanted.rpartition("@")[0] for pin in NPM_HELD_OUT}
    names = {_plain(pair.name) for pair in RELEASES}
    assert names <= trained - held_out
    assert names.isdisjoint(_plain(pair.name) for pair in HELD_OUT_RELEASES)
    assert trained.isdisjoint(_plain(pair.name) for pair in HELD_OUT_RELEASES)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
