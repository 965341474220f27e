"""A user runs `midspan model`: a full disk, a changed file, a model used by its name."""

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.inference.store.command import Home
from tests.inference.store.gguf_models import as_gguf

WEIGHTS = "model.safetensors"


def limit_files(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


@pytest.mark.parametrize("form", ["folder", "gguf"])
def test_a_disk_that_fills_up_is_named_and_nothing_stays(form: str, home: Home, released: Path, tmp_path: Path) -> None:
    """A limit on the size of a file meets every user; only root may mount a small disk, as the next test does."""
    path = released if form == "folder" else as_gguf(released, tmp_path / "m.gguf")
    limit_bytes = (released / WEIGHTS).stat().st_size // 2
    done = subprocess.run(
        home.command("model", "import", path),
        env=home.variables(),
        capture_output=True,
        text=True,
        preexec_fn=partial(limit_files, limit_bytes),
    )
    assert done.returncode == 1
    assert f"the disk is full; nothing was kept: make room and run `midspan model import {path}` again" in done.stderr
    assert not home.models.exists()
    assert home.left_over() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(disk)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("only root may mount")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_is_too_small_is_named_before_anything_is_written(
    home: Home, released: Path, small_disk: Path
) -> None:
    home.environment["XDG_DATA_HOME"] = str(small_disk)
    done = home.run("model", "import", released)
    assert done.returncode == 1
    assert "needs 0.00 GB and 0.00 GB are free; make room" in done.stderr
    assert [path for path in small_disk.rglob("*") if path.is_file() and path.name != "lock"] == []


def test_a_folder_that_cannot_be_written_is_named(home: Home, released: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home.environment["XDG_DATA_HOME"] = str(tmp_path / "file")  # as one that is read-only, which root can write
    done = home.run("model", "import", released)
    assert done.returncode == 1
    assert "models cannot be kept there (Not a directory)" in done.stderr
    assert "Traceback" not in done.stderr


def test_verify_names_what_has_changed_and_remove_frees_it(home: Home, released: Path) -> None:
    assert home.run("model", "import", released).returncode == 0
    # As `midspan eval calibration` leaves it.
    (home.models / "Tiny-Base" / "confidence.json").write_text("{}")
    assert home.run("model", "verify", "Tiny-Base").returncode == 0
    weights = home.models / "Tiny-Base" / WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    (home.models / "Tiny-Base" / "extra.safetensors").write_bytes(b"")
    done = home.run("model", "verify", "Tiny-Base")
    assert done.returncode == 1
    assert f"{WEIGHTS} has changed" in done.stderr
    assert "extra.safetensors does not belong to it" in done.stderr
    assert f"then `midspan model import {released}`" in done.stderr
    assert home.run("model", "remove", "Tiny-Base").returncode == 0
    assert list(home.models.iterdir()) == []
    assert "no model of that name is here" in home.run("model", "remove", "Tiny-Base").stderr


def test_a_model_is_used_by_its_name(home: Home, released: Path, tmp_path: Path) -> None:
    assert home.run("model", "import", released, "--name", "mine").returncode == 0
    source = tmp_path / "a.py"
    source.write_text("x = 1\n")
    by_name = home.run("complete", "--model", "mine", f"{source}:1:5", "--json")
    assert by_name.returncode == 0, by_name.stderr
    by_path = home.run("complete", "--model", released, f"{source}:1:5", "--json")
    assert json.loads(by_name.stdout)["text"] == json.loads(by_path.stdout)["text"]
    assert (
        "there is no model and no folder of that name"
        in home.run("complete", "--model", "yours", f"{source}:1:5").stderr
    )
    described = json.loads(home.run("model", "info", "mine", "--json").stdout)
    assert described["use"] == ["completion"]
    assert described["form"] == "wide"  # the model is tiny
    assert described["tokens_per_s"] > 0


def test_a_model_of_the_catalogue_that_is_not_fetched_is_told_with_the_command(home: Home, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    done = home.run("complete", "--model", "qwen2.5-coder-0.5b", f"{tmp_path / 'a.py'}:1:5")
    assert done.returncode == 1
    assert "not on this machine yet; `midspan model pull qwen2.5-coder-0.5b` fetches it" in done.stderr


def test_a_removed_model_leaves_no_quantized_copy(home: Home, released: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("x = 1\n")
    assert home.run("model", "import", released, "--name", "mine").returncode == 0
    assert home.run("complete", "--model", "mine", "--quant", "int8", f"{source}:1:5").returncode == 0
    copies = home.path / ".cache" / "midspan" / "quantized"
    assert list(copies.iterdir()) != []
    assert home.run("model", "remove", "mine").returncode == 0
    assert list(copies.iterdir()) == []
