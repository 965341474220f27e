import fcntl
import json
import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from context.index.database import index_path
from inference.store.model_store import user_store
from kernels.cpu.library import load_library, native_library
from lsp_server.cli.checks import installed_editors
from lsp_server.cli.checks.daemon_check import check_daemon
from lsp_server.cli.checks.disk_check import check_disk
from lsp_server.cli.checks.editor_check import check_editors
from lsp_server.cli.checks.examination import Examination, settle
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.checks.index_check import check_index
from lsp_server.cli.checks.model_check import try_chat, try_completion
from lsp_server.cli.checks.native_check import check_native_step
from lsp_server.cli.checks.store_check import check_store
from lsp_server.settings.values import CompletionSettings, ModelSettings
from midspan import __version__
from tests.fake_engine import FakeEngine
from tests.lsp_server.cli.run_fake import midspan
from tests.lsp_server.daemons import place


@pytest.fixture
def here(monkeypatch, tmp_path):
    with place(monkeypatch) as found:
        for kind in ("DATA", "CACHE", "CONFIG"):
            monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
        yield found


def mended(finding: Finding) -> str:
    assert finding.is_wrong
    assert finding.mend is not None
    return finding.mend()


def stale_socket(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "daemon.sock"))
    (folder / "daemon.sock").chmod(0o600)
    return folder / "daemon.sock"


def broken_index(root: Path) -> Path:
    path = index_path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"this is no database" * 100)
    return path


def unfinished_work(*names: str) -> Path:
    work = user_store().root / "work"
    for name in names:
        (work / name / "fetched").mkdir(parents=True)
        (work / name / "command").write_text(f"midspan model pull {name}")
        (work / name / "result").mkdir()
        (work / name / "result" / "half").write_bytes(b"x" * 1000)
    return work


def test_everything_is_told_and_what_is_safe_is_mended(here, tmp_path):
    (tmp_path / "root" / ".git").mkdir(parents=True)
    (tmp_path / "root" / "midspan.toml").write_text("log_levle = 1\n")
    stale, broken = stale_socket(here.folder), broken_index(tmp_path / "root")
    work = unfinished_work("a-model")
    done = midspan("doctor", cwd=tmp_path / "root")
    assert done.returncode == 1
    for part in (
        str(stale),
        str(broken),
        "Did you mean 'log_level'",
        str(work),
        "No model is set to chat with",
        "midspan.toml or in your editor",
    ):
        assert part in done.stdout
    assert done.stdout.count("Wrong: ") == 4
    assert "midspan:" not in done.stderr  # it is among the findings

    fixed = json.loads(midspan("doctor", "--json", "--fix", cwd=tmp_path / "root").stdout)
    assert len(fixed["mended"]) == 3
    assert ["Did you mean" in problem for problem in fixed["problems"]] == [True]
    assert not stale.exists()
    assert not list(work.iterdir())
    (tmp_path / "root" / "midspan.toml").unlink()
    again = midspan("doctor", cwd=tmp_path / "root")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "Nothing is wrong.")


def test_doctor_tells_versions_model_and_memory():
    done = midspan("doctor", "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 0
    assert findings["problems"] == []
    assert findings["versions"]["midspan"] == __version__
    assert {"python", "torch", "triton", "pygls", "tokenizers", "safetensors"} <= set(findings["versions"])
    assert findings["model"]["name"] == "fake"
    assert findings["engine"]["device"] == "cpu"
    assert findings["engine"]["device_reason"] == "the fake runs anywhere"
    assert [finding["what"] for finding in findings["findings"] if finding["subject"] == "gpu"]
    assert findings["engine"]["cache_dtype"] == "int8"
    assert findings["memory"]["total_bytes"] >= findings["memory"]["available_bytes"] > 0
    assert findings["trial"]["text"] == "height * width"


def test_a_missing_native_step_is_told_and_nothing_is_wrong(tmp_path):
    (finding,) = check_native_step(load_library(tmp_path / "libmidspan_cpu.so"))
    assert not finding.is_wrong
    assert "slower: it was not built" in finding.what
    assert "Install a C++ compiler" in finding.fix
    assert "pip install" in finding.fix


def test_the_instruction_set_of_the_native_step_is_told():
    (finding,) = check_native_step(native_library())
    isa = native_library().isa
    assert finding.what == f"The native step serves with the instruction set {isa}." or isa is None


def test_doctor_says_what_is_wrong_and_exits_with_1():
    done = midspan("doctor", "--model", "/models/x")
    assert done.returncode == 1
    assert "Wrong: the folder is empty. Fetch the model.\n" in done.stdout
    assert "torch" in done.stdout  # the rest is told all the same


async def test_a_daemon_that_runs_is_told_with_its_version(here, monkeypatch):
    (finding,) = check_daemon()
    assert "does not run" in finding.what
    async with here.relay() as editor:
        await editor.initialize()
        (finding,) = check_daemon()
        assert f"version {__version__}, for 1 editors" in finding.what
        monkeypatch.setattr("lsp_server.cli.checks.daemon_check.__version__", "9.9")
        (finding,) = check_daemon()
        assert (finding.is_wrong, "midspan daemon stop" in finding.fix) == (False, True)


def test_a_place_that_is_held_and_a_folder_that_others_may_enter_are_told(here):
    stale = stale_socket(here.folder)
    lock = os.open(here.folder / "daemon.lock", os.O_RDWR | os.O_CREAT, 0o600)
    (free,) = check_daemon()
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, str(os.getpid()).encode())  # as the daemon does
    try:
        (held,) = check_daemon()
        assert held.is_wrong
        assert held.mend is None
        assert f"kill {os.getpid()}" in held.fix
        assert "started meanwhile" in mended(free)  # which must not take the socket of a daemon that lives
        assert stale.exists()
    finally:
        os.close(lock)
    here.folder.chmod(0o755)
    (wide,) = check_daemon()
    assert f"chmod 700 {here.folder}" in wide.what


def test_a_broken_index_is_made_again_and_a_whole_one_is_left(here, tmp_path):
    (tmp_path / "a.py").write_text("def area(): pass\n")
    (absent,) = check_index(tmp_path)
    assert (absent.is_wrong, "midspan index" in absent.what) == (False, True)
    broken_index(tmp_path)
    (broken,) = check_index(tmp_path)
    assert "is built anew" in mended(broken)
    (whole,) = check_index(tmp_path)
    assert (whole.is_wrong, f"{tmp_path}: " in whole.what) == (False, True)


def test_a_pull_that_can_go_on_stays_and_what_is_of_no_use_goes(here):
    work = unfinished_work("useless", "begun")
    (work / "begun" / "fetched" / "model.part").write_bytes(b"x" * 5000)
    begun, useless = check_store()
    assert (begun.is_wrong, "midspan model pull begun" in begun.fix) == (False, True)
    assert "only what a pull can go on with" in mended(useless)
    assert [path.name for path in work.iterdir()] == ["begun"]
    assert sorted(path.name for path in (work / "begun").iterdir()) == ["command", "fetched"]


def test_what_a_command_works_at_is_no_leftover(here):
    store = user_store()
    with store.making("new", "midspan model pull new") as place_of_work:
        (place_of_work.result / "half").write_bytes(b"x")
        assert store.leftovers() == []


def test_a_full_disk_is_wrong(here, monkeypatch):
    assert not check_disk()[0].is_wrong
    monkeypatch.setattr(psutil, "disk_usage", lambda _path: type("Usage", (), {"free": 5_000_000}))
    assert check_disk()[0].is_wrong
    assert "5 MB are free" in check_disk()[0].what


def test_a_folder_that_cannot_be_written_is_wrong(here, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert not any(finding.is_wrong for finding in check_disk())
    for kind in ("DATA", "CACHE", "STATE"):
        file = tmp_path / f"{kind} is a file"
        file.touch()
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(file))
        (wrong,) = [finding for finding in check_disk() if finding.is_wrong]
        assert "cannot be written" in wrong.what
        assert str(file) in wrong.fix
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))


def test_editors_are_told_with_whether_they_are_new_enough(tmp_path, monkeypatch):
    said = {"nvim": "NVIM v0.9.5\\nBuild", "emacs": "GNU Emacs 30.1\\n", "code": "1.104.2\\nabc"}
    for name, text in said.items():
        (tmp_path / name).write_text(f"#!/bin/sh\nprintf '{text}'\n")
        (tmp_path / name).chmod(0o755)
    editors = tuple(replace(editor, usual_places=()) for editor in installed_editors.EDITORS)
    monkeypatch.setattr(installed_editors, "EDITORS", editors)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    neovim, code, emacs = check_editors()
    assert "Neovim 0.9" in neovim.what
    assert neovim.fix == "Install 0.11 or newer."
    assert (emacs.what.startswith("Emacs 30.1"), code.what.startswith("VS Code 1.104")) == (True, True)
    assert not any(finding.is_wrong for finding in (neovim, emacs, code))
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    (none,) = check_editors()
    assert "midspan serve" in none.what


def test_both_models_are_tried(monkeypatch):
    def start(settings: ModelSettings) -> FakeEngine:
        return FakeEngine(lambda *_: "Green." if settings.model else "width * height")

    monkeypatch.setattr("lsp_server.cli.checks.model_check.start_engine", start)
    assert try_completion(CompletionSettings()).answer["text"] == "width * height"
    assert try_chat(ModelSettings(Path("/models/chat"))).answer["text"] == "Green."
    assert not try_chat(ModelSettings()).findings[0].is_wrong


def test_a_model_without_room_is_wrong(monkeypatch, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1000)

    def start(_settings: ModelSettings) -> FakeEngine:
        engine = FakeEngine(lambda *_: "x")
        engine.info = type(engine.info)("fake", tmp_path, "fake", ("psm",), 8192)
        return engine

    memory: Any = type("Memory", (), {"total": 1000, "available": 10})
    monkeypatch.setattr("lsp_server.cli.checks.model_check.start_engine", start)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    (finding,) = try_completion(CompletionSettings()).findings
    assert finding.is_wrong
    assert "of memory are free" in finding.what


def test_what_cannot_be_mended_is_told(monkeypatch):
    def fail() -> str:
        raise OSError("the disk is full")

    found = Examination({}, {}, findings=[Finding("index", "It is broken.", is_wrong=True, mend=fail)])
    settle(found, fixes=True)
    assert found.problems == ["It is broken. It cannot be mended: the disk is full"]


def test_an_index_without_its_folder_and_files_that_are_not_read_are_mended(here, tmp_path):
    gone, root = tmp_path / "gone", tmp_path / "root"
    for folder in (gone, root):
        folder.mkdir()
        (folder / "a.py").write_text("x = 1\n")
        assert midspan("index", folder).returncode == 0
    shutil.rmtree(gone)
    index_path(root).with_suffix(".quarantine").write_text('{"bomb.py": [1, 2, "it takes too long"]}')
    found = check_index(root)
    assert not any(finding.is_wrong for finding in found)
    assert ["bomb.py" in finding.what for finding in found] == [False, True, False]
    assert str(gone) in found[2].what
    examination = Examination({}, {}, findings=found)
    settle(examination, fixes=True)
    assert len(examination.mended) == 2
    assert not index_path(gone).exists()
    (whole,) = check_index(root)
    assert "1 files" in whole.what
