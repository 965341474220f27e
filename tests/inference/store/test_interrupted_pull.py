"""A pull that is ended goes on where it stopped, and one without a server says what to run."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.inference.folders import LITE, write_folder
from tests.inference.store.catalogues import REPOSITORY, WEIGHTS, whole
from tests.inference.store.command import Home
from tests.inference.store.hub_server import Hub

LIBRARY_WRITES_BYTES = 10 << 20  # huggingface_hub collects this much before it writes


def wait_for_file(folder: Path, size_bytes: int) -> None:
    """Wait until an unfinished file has that size."""
    deadline_s = time.monotonic() + 60
    while not any(path.stat().st_size >= size_bytes for path in folder.rglob("*.part")):
        assert time.monotonic() < deadline_s, "nothing was written"
        time.sleep(0.05)


def test_a_killed_pull_goes_on_where_it_stopped(home: Home, hub: Hub, tmp_path: Path) -> None:
    hub.add_folder(
        REPOSITORY, write_folder(tmp_path / "large", LITE | {"hidden_size": 256, "intermediate_size": 12000})
    )
    size_bytes = len(hub.repositories[REPOSITORY][WEIGHTS])
    assert size_bytes > 3 * LIBRARY_WRITES_BYTES
    hub.hang_after_bytes = size_bytes // 2
    process = home.start("model", "pull", REPOSITORY)
    assert hub.hangs.wait(60)
    wait_for_file(home.path / "data/midspan/work/Tiny-Base/fetched", LIBRARY_WRITES_BYTES)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not home.models.exists()
    (begun,) = json.loads(home.run("model", "list", "--json").stdout)["begun"]
    assert begun["command"] == f"midspan model pull {REPOSITORY}"

    hub.hang_after_bytes = None
    sent_before = hub.sent_bytes[WEIGHTS]
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert hub.sent_bytes[WEIGHTS] - sent_before <= size_bytes - LIBRARY_WRITES_BYTES
    assert home.run("model", "verify", "Tiny-Base").returncode == 0
    assert home.left_over() == []


def test_an_interrupted_pull_says_what_to_run(home: Home, hub: Hub) -> None:
    hub.hang_after_bytes = len(hub.repositories[REPOSITORY][WEIGHTS]) // 2
    process = home.start("model", "pull", REPOSITORY)
    assert hub.hangs.wait(60)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"run `midspan model pull {REPOSITORY}` again: the pull goes on where it stopped" in output.decode()
    assert not home.models.exists()
    assert home.run("model", "remove", "Tiny-Base").returncode == 0
    assert home.left_over() == []


@pytest.mark.parametrize("begun", ["whole", "part", "longer part"])
def test_what_was_begun_of_another_revision_is_fetched_anew(home: Home, hub: Hub, begun: str, released: Path) -> None:
    weights = (released / WEIGHTS).read_bytes()
    other = weights[:-100] + bytes(100)
    earlier = {"whole": other, "part": other[-1000:], "longer part": other * 2}[begun]
    fetched = home.path / "data/midspan/work/Tiny-Base/fetched"
    fetched.mkdir(parents=True)
    (fetched / (WEIGHTS if begun == "whole" else f"{WEIGHTS}.part")).write_bytes(earlier)
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert (home.models / "Tiny-Base" / WEIGHTS).read_bytes() == weights
    assert home.left_over() == []


def test_a_hub_that_does_not_answer_is_named(home: Home) -> None:
    home.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 1
    assert "http://127.0.0.1:9 cannot be reached" in done.stderr
    assert f"run `midspan model pull {REPOSITORY}` again" in done.stderr
    assert home.left_over() == []


def test_offline_no_server_is_asked(home: Home, hub: Hub, released: Path) -> None:
    names = whole(released)
    fetch = f"import huggingface_hub as h; [h.hf_hub_download({REPOSITORY!r}, name) for name in {names}]"
    subprocess.run([sys.executable, "-c", fetch], env=home.variables(), check=True, capture_output=True)
    hub.requests.clear()
    home.environment["HF_HUB_OFFLINE"] = "1"
    done = home.run("model", "pull", "someone/Else")
    assert done.returncode == 1
    assert "HF_HUB_OFFLINE forbids asking a hub, and its cache does not hold someone/Else" in done.stderr
    done = home.run("model", "pull", REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert (home.models / "Tiny-Base" / WEIGHTS).read_bytes() == (released / WEIGHTS).read_bytes()
    assert hub.requests == []


def test_two_commands_do_not_change_the_store_at_once(home: Home, hub: Hub) -> None:
    hub.hang_after_bytes = 0
    process = home.start("model", "pull", REPOSITORY)
    assert hub.hangs.wait(60)
    assert "another `midspan model` command is at work" in home.run("model", "pull", REPOSITORY).stderr
    process.kill()
    process.communicate()
