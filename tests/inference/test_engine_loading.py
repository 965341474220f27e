"""An engine reads its folder by itself, and refuses a bad one by name."""

import json
import sys
import threading
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from inference.api import EngineSettings
from inference.local_engine import LocalEngine
from inference.models.description import ModelDescription, read_description
from midspan import ModelError, SettingsError
from tests.inference.engines import BOS
from tests.inference.folders import LITE, write_folder
from tests.inference.generate import generate


def test_bad_folders_are_refused_by_name(model_folder: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "llama")
    (folder / "config.json").write_text(json.dumps({**LITE, "model_type": "llama9"}))
    for bad, message in [(tmp_path / "nowhere", "no such model folder"), (folder, "model_type is 'llama9'")]:
        engine = LocalEngine(EngineSettings(model=bad))
        for ask in (engine.describe, lambda engine=engine: engine.fim_prompt("", "a", "b"), engine.ready.result):
            with pytest.raises(ModelError, match=message):
                ask()
        with pytest.raises(ModelError, match=message):
            generate(engine, [BOS, 1])
        engine.close()


@pytest.mark.parametrize(
    ("name", "given", "known"),
    [
        ("quant", "bfloat16", "auto, none, int8, int4"),
        ("dtype", "float16", "auto, float32, bfloat16"),
        ("cache_dtype", "int4", "auto, int8"),
    ],
)
def test_an_unknown_form_is_refused_with_the_known_ones(name: str, given: str, known: str) -> None:
    chosen: dict[str, Any] = {name: given}
    with pytest.raises(SettingsError, match=f"'{name}' must be one of {known}, not '{given}'"):
        EngineSettings(**chosen)


def test_the_caller_reads_nothing_of_the_folder(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop makes engines: a folder that answers slowly must not hold it up."""
    read = threading.Event()

    def read_slowly(folder: Path) -> ModelDescription:
        read.wait(60)
        return read_description(folder)

    monkeypatch.setattr("inference.local_engine.read_description", read_slowly)
    engine = LocalEngine(EngineSettings(model=model_folder, cache_bytes=4 << 20))
    assert engine.info.name == model_folder.name
    assert engine.stats().live_requests == 0
    assert not engine.ready.done()
    read.set()
    engine.ready.result(timeout=60)
    assert engine.info.context_tokens > 0
    engine.close()


def test_a_model_without_fim_refuses_to_fill_and_says_what_to_use(tmp_path: Path) -> None:
    chat_only = write_folder(tmp_path / "chat", {**LITE, "midspan": {"fim_orders": []}})
    engine = LocalEngine(EngineSettings(model=chat_only))
    with pytest.raises(ModelError, match="not trained to fill a hole"):
        engine.fim_prompt("", "a", "b")
    engine.close()


def test_importing_the_engine_does_not_import_torch() -> None:
    code = "import sys, inference.local_engine; sys.exit('torch' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0


# Another thread has asked half of the finders for a module while this one imports torch, and asks the others then.
IMPORTS_MEANWHILE = """
import sys, threading
from importlib.machinery import FrozenImporter
from inference.speed.import_torch import import_torch

has_begun, torch_is_there = threading.Event(), threading.Event()
meanwhile = threading.Thread(target=lambda: __import__("colorsys"))

class Finders(list):
    def __iter__(self):
        if meanwhile.ident is None:
            meanwhile.start()
            has_begun.wait(60)
        for finder in super().__iter__():
            yield finder
            if finder is FrozenImporter and threading.current_thread() is meanwhile:
                has_begun.set()
                torch_is_there.wait(60)

sys.meta_path = Finders(sys.meta_path)
import_torch()
torch_is_there.set()
meanwhile.join(60)
sys.exit("colorsys" not in sys.modules)
"""


def test_a_module_that_is_imported_while_torch_is_imported_is_found() -> None:
    assert run([sys.executable, "-c", IMPORTS_MEANWHILE], check=False).returncode == 0


# One engine's thread is in the midst of the last part when another's asks for all parts.
COMPLETES_TWICE = """
import sys, threading
from inference.speed.import_torch import complete_torch, import_torch

import_torch()
loader = sys.modules["torch.utils.data"].__loader__
load, is_loading, goes_on = loader.load, threading.Event(), threading.Event()

def load_slowly(module):
    is_loading.set()
    goes_on.wait(60)
    load(module)

loader.load = load_slowly
first, second = (threading.Thread(target=complete_torch) for _ in range(2))
first.start()
if not is_loading.wait(60):
    sys.exit("the part was not left out")
second.start()
second.join(1)
is_early = not second.is_alive()
goes_on.set()
first.join(60)
second.join(60)
sys.exit(is_early)
"""


def test_an_engine_waits_for_the_parts_of_torch_that_another_one_imports() -> None:
    assert run([sys.executable, "-c", COMPLETES_TWICE], check=False).returncode == 0


@pytest.mark.parametrize("checks", [1, 2])
def test_files_that_are_refused_before_or_after_they_are_read_are_not_loaded(model_folder: Path, checks: int) -> None:
    """The files may be swapped while they are read, which takes seconds."""
    asked = 0

    def confirm() -> None:
        nonlocal asked
        asked += 1
        if asked == checks:
            raise ModelError("the files have changed")

    engine = LocalEngine(EngineSettings(model=model_folder, cache_bytes=4 << 20, confirm=confirm))
    with pytest.raises(ModelError, match="the files have changed"):
        engine.ready.result(timeout=60)
    assert asked == checks
    engine.close()
