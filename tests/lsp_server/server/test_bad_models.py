"""Models that cannot be loaded: the editor and the command line say why."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from inference.api import Engine
from inference.prompts.prompt import TokenPrompt
from lsp_server.server.engines import Engines
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import ModelSettings
from midspan import ModelError
from tests.fake_engine import FakeEngine
from tests.inference.folders import LITE, byte_tokenizer, write_folder
from tests.lsp_server.client import InProcess
from tests.lsp_server.in_process import editor_with

ROOT = Path(__file__).parents[3]


def missing(folder: Path) -> None:
    folder.rmdir()


def empty(_folder: Path) -> None:
    pass


def pickle(folder: Path) -> None:
    write_folder(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def corrupt_header(folder: Path) -> None:
    write_folder(folder)
    path = folder / "model.safetensors"
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])


def truncated(folder: Path) -> None:
    write_folder(folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def no_sentinels(folder: Path) -> None:
    write_folder(folder)
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer() | {"added_tokens": []}))


def no_fim_sentinels(folder: Path) -> None:
    write_folder(folder)
    tokenizer = byte_tokenizer()
    tokenizer["added_tokens"] = tokenizer["added_tokens"][:2]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def not_trained_to_fill(folder: Path) -> None:
    write_folder(folder)
    (folder / "config.json").write_text(json.dumps(LITE | {"midspan": {"fim_orders": []}}))


def device(folder: Path) -> None:
    (folder / "config.json").symlink_to("/dev/zero")


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "config.json")


BAD_FOLDERS: list[tuple[Callable[[Path], None], str]] = [
    (missing, "weights: no such model folder; check the path of the model setting"),
    (empty, "weights: has no config.json"),
    (pickle, "pytorch_model.bin"),
    (corrupt_header, "model.safetensors: "),
    (truncated, "model.safetensors: "),
    (no_sentinels, "its tokenizer has the control tokens of none of deepseek_v2, "),
    (no_fim_sentinels, "tokenizer.json: has no FIM sentinels"),
    (device, "config.json: is a link that leads out of the model's folder"),
    (fifo, "config.json: is no regular file"),
    (not_trained_to_fill, "weights was not trained to fill a hole"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.mkdir()
    return path


@pytest.fixture
def engines() -> Iterator[list[Engine]]:
    started: list[Engine] = []
    yield started
    for engine in started:
        engine.close()


@pytest.mark.parametrize(("spoil", "message"), BAD_FOLDERS)
async def test_the_editor_is_told_once_what_is_wrong_and_the_server_stays_up(folder, engines, spoil, message):
    spoil(folder)

    def start(settings: ModelSettings) -> Engine:
        engine = start_engine(settings)
        engines.append(engine)
        return engine

    editor = InProcess(start)
    await editor.initialize(options={"completion": {"model": str(folder)}})
    shown = (await editor.message())["params"]
    assert shown["type"] == 1
    assert shown["message"].startswith("Midspan completes nothing: ")
    assert message in shown["message"]
    await editor.open("x = \n")
    assert await editor.complete(0, 4) is None
    assert (await editor.request("midspan/status"))["documents"] == 1
    assert editor.notifications.empty()


async def test_a_session_whose_model_fails_leaves_the_requests_of_another_as_they_were(folder, engines):
    fifo(folder)
    answering = FakeEngine(lambda before, after: "1 + 1")
    answering.gate.clear()

    def start(settings: ModelSettings) -> Engine:
        if settings.model is None:
            return answering
        engine = start_engine(settings)
        engines.append(engine)
        return engine

    shared = Engines(start)
    neighbour, editor = InProcess(shared), InProcess(shared)
    await neighbour.initialize()
    await neighbour.open("x = \n")
    _, waiting = await neighbour.start_completion(0, 4)
    await editor.initialize(options={"completion": {"model": str(folder)}})
    assert "is no regular file" in (await editor.message())["params"]["message"]
    await editor.open("y = \n")
    assert await editor.complete(0, 4) is None
    answering.gate.set()
    assert "1 + 1" in str(await waiting)
    assert await neighbour.complete(0, 4) == "1 + 1"


async def test_a_model_that_cannot_fill_a_hole_is_told_once_also_when_its_weights_come_later():
    class Holeless(FakeEngine):
        def fim_prompt(self, *parts: object) -> TokenPrompt:
            raise ModelError("has no FIM sentinels")

    engine = Holeless(lambda before, after: "1")
    engine.ready = Future()
    editor = InProcess(lambda settings: engine)
    await editor.initialize()
    assert "has no FIM sentinels" in (await editor.message())["params"]["message"]
    engine.ready.set_result(None)
    await editor.open("x = \n")
    assert await editor.complete(0, 4) is None
    status = await editor.request("midspan/status")
    assert status["completion"]["state"] == "error"
    assert editor.notifications.empty()


def refused_at_once(_settings: ModelSettings):
    raise ModelError("/models/x does not exist. Give the folder of a model.")


def refused_later(_settings: ModelSettings):
    error = ModelError("/models/x does not exist. Give the folder of a model.")
    return FakeEngine(lambda *_: "", load_error=error)


@pytest.mark.parametrize("start", [refused_at_once, refused_later])
async def test_a_model_that_does_not_load_is_told_once_and_completions_are_empty(start):
    editor = InProcess(start)
    await editor.initialize()
    message = (await editor.message())["params"]
    assert message["type"] == 1
    assert "/models/x does not exist. Give the folder of a model." in message["message"]
    await editor.open("x = \n")
    assert await editor.complete(0, 4) is None
    status = await editor.request("midspan/status")
    assert status["ready"] is False
    assert "/models/x" in status["error"]
    assert editor.notifications.empty()


async def test_what_differs_only_in_numbers_and_names_of_requests_is_told_once():
    waits = iter([f"rate limit (request {name}). Try again in {wait} s." for name, wait in (("a1b", 1.5), ("7f", 1))])

    def refuse(_before: str, _after: str) -> str:
        raise ModelError(next(waits, "the server is away."))

    editor, _ = await editor_with("x = \n", refuse)
    for _ in range(4):
        assert await editor.complete(0, 4) is None
    shown = [one["params"]["message"] for one in editor.messages_so_far() if one["method"] == "window/showMessage"]
    assert shown == [
        "Midspan completes nothing: rate limit (request a1b). Try again in 1.5 s.",
        "Midspan completes nothing: the server is away.",
    ]
    assert (await editor.request("midspan/status"))["completion"]["state"] == "ready"


async def test_a_failure_of_the_loader_itself_shows_no_path_of_this_machine():
    engine = FakeEngine(lambda *_: "")
    engine.ready = Future()
    engine.ready.set_exception(RuntimeError("boom in /usr/lib/secret.py"))
    editor = InProcess(engine)
    await editor.initialize()
    assert "secret.py" not in (await editor.message())["params"]["message"]


@pytest.mark.parametrize("command", ["complete", "doctor"])
@pytest.mark.parametrize(("spoil", "message"), [BAD_FOLDERS[0], BAD_FOLDERS[2], BAD_FOLDERS[6]])
def test_the_command_line_says_it_in_one_line(folder, command, spoil, message):
    spoil(folder)
    place = [f"{__file__}:1:1", "--all"] if command == "complete" else []
    done = subprocess.run(
        [sys.executable, "-m", "lsp_server.cli", command, *place, "--model", folder],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    said = done.stderr if command == "complete" else done.stdout.splitlines(keepends=True)[-1]
    assert done.returncode == 1
    assert message in said
    assert said.count("\n") == 1
    assert "Traceback" not in done.stderr


async def test_the_status_of_a_corrected_model_has_no_error_of_the_one_before():
    def start(section: ModelSettings) -> Engine:
        if section.model is not None:
            raise ModelError("no such model")
        return FakeEngine(lambda prefix, suffix: "x")

    editor = InProcess(start)
    await editor.initialize(options={"completion": {"model": "/nosuch"}})
    await editor.status_with(lambda status: status["completion"]["state"] == "error")
    await editor.notify("midspan/userSettings", {})
    assert (await editor.request("midspan/status"))["completion"]["state"] == "ready"
