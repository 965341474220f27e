"""The private environment of the real VS Code, for a machine without the program: offered, made, cancelled, removed.

The wheel that is installed has no dependencies; its program starts a scripted server of this repository.
"""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Locator

from tests.e2e import serve_scripted
from tests.e2e.vscode import VSCode, vscode

COMMAND = "Midspan: Install in a Private Environment"
ANSWER = "first_price + second_price"
NAME = "midspan-0.1.0"
PROGRAM = f"""
import os, sys

def main():
    open({{calls!r}}, "a").write(" ".join(sys.argv[1:]) + "\\n")
    if sys.argv[1] == "serve":
        os.execv({sys.executable!r}, [{sys.executable!r}, "-P", {serve_scripted.__file__!r}, {{folder!r}}])
"""
SLOW_BACKEND = """
import subprocess, sys

def build_wheel(*_):
    subprocess.run([sys.executable, "-c", "import time; time.sleep(300)", "slow-midspan"])
"""


def write_wheel(folder: Path) -> Path:
    """Write a wheel whose program notes in `calls` what it is called with."""
    wheel = folder / f"{NAME}-py3-none-any.whl"
    program = PROGRAM.format(calls=str(folder / "calls"), folder=str(folder))
    files = {
        "midspan_program.py": program,
        f"{NAME}.dist-info/METADATA": "Metadata-Version: 2.1\nName: midspan\nVersion: 0.1.0\n",
        f"{NAME}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{NAME}.dist-info/entry_points.txt": "[console_scripts]\nmidspan = midspan_program:main\n",
    }
    record = f"{NAME}.dist-info/RECORD"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(record, "".join(f"{name},,\n" for name in [*files, record]))
    return wheel


def write_slow_source(folder: Path) -> Path:
    """Write a source of Midspan whose build takes minutes."""
    source = folder / "slow"
    source.mkdir()
    (source / "slow_backend.py").write_text(SLOW_BACKEND)
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "slow_backend"\nbackend-path = ["."]\n'
        '[project]\nname = "midspan"\nversion = "0.1.0"\n'
    )
    return source


@pytest.fixture(scope="module")
def user(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    """A VS Code on a machine with uv and Python, and without `midspan` and a network."""
    folder = tmp_path_factory.mktemp("install")
    (folder / "answers.json").write_text(json.dumps({"price = ": ANSWER}))
    programs = folder / "ada/.local/bin"
    programs.mkdir(parents=True)
    (programs / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    settings: dict[str, Any] = {
        "midspan.install.requirement": str(write_wheel(folder)),
        "midspan.install.arguments": ["--no-index"],
    }
    variables = {"HOME": str(folder / "ada"), "PATH": "/usr/bin:/bin"}
    program = folder / "none"
    with vscode(
        browser, folder, program, folder / "midspan.log", settings, model="Midspan", variables=variables
    ) as user:
        yield user


def storage(user: VSCode) -> Path:
    (folder,) = (user.workspace.parent / "data").glob("User/globalStorage/midspan.midspan/environments")
    return folder


def environments(user: VSCode) -> list[str]:
    """Return the names of what the extension keeps of environments."""
    return sorted(path.name for path in storage(user).iterdir())


def toast(user: VSCode, text: str) -> Locator:
    return user.page.locator(".notification-toast", has_text=text)


def click(toast: Locator, button: str) -> None:
    toast.locator(".monaco-button", has_text=button).click()


def complete(user: VSCode, name: str) -> None:
    user.wait_for(user.status.filter(has_text="fake"))
    user.open(name, "")
    user.put("price = ")
    user.see(ANSWER)
    user.press("Escape")


def see_that_it_is_missing(user: VSCode) -> None:
    shown = user.status.locator("a")
    user.until(lambda: "PATH" in (shown.get_attribute("aria-label") or ""), "the status does not say it")


def slow_builds() -> list[psutil.Process]:
    processes = psutil.process_iter(["cmdline"])
    return [process for process in processes if "slow-midspan" in (process.info["cmdline"] or ())]


def test_the_offer_makes_an_environment_that_completes_at_once(user: VSCode):
    offer = toast(user, "Midspan's program is not on")
    user.wait_for(offer)
    assert "2 GB" in offer.inner_text()
    click(offer, "Install Midspan")
    user.wait_for(toast(user, "Midspan 0.1.0 is installed"))
    complete(user, "uv.py")
    folder, record = environments(user)
    assert record == f"{folder}.json"


def test_the_next_start_uses_it_and_offers_to_update_what_another_version_made(user: VSCode):
    before = environments(user)
    (record,) = storage(user).glob("*.json")
    record.write_text('{"version": "0.0.9", "requirement": "midspan==0.0.9"}')
    with user.page.expect_event("load"):
        user.run("Developer: Reload Window")
    complete(user, "reloaded.py")
    offer = user.notification("its private environment has midspan==0.0.9")
    assert toast(user, "Midspan's program is not on").count() == 0
    click(offer, "Update")
    user.wait_for(toast(user, "Midspan 0.1.0 is installed"))
    user.until(lambda: len(environments(user)) == 2, "the old environment stays")
    assert environments(user) != before


def test_a_cancelled_installation_leaves_no_process_no_folder_and_the_old_environment(user: VSCode):
    before = environments(user)
    user.set(midspan__install__requirement=str(write_slow_source(user.workspace.parent)))
    user.run(COMMAND)
    user.until(slow_builds, "nothing is built")
    progress = toast(user, "Installing Midspan: building midspan")
    user.wait_for(progress)
    click(progress, "Cancel")
    user.until(lambda: environments(user) == before, "the half-made environment stays")
    user.until(lambda: not slow_builds(), "a process is left")
    complete(user, "cancelled.py")


def test_a_failure_says_why(user: VSCode):
    before = environments(user)
    user.set(midspan__install__requirement="midspan==9.9.9")
    user.run(COMMAND)
    failed = toast(user, "Midspan could not be installed")
    user.wait_for(failed)
    assert "9.9.9" in failed.inner_text()
    assert environments(user) == before


def test_the_environment_is_removed_and_the_status_says_how_to_get_it_back(user: VSCode):
    user.run("Midspan: Remove Private Environment")
    user.page.locator(".monaco-dialog-box .monaco-button", has_text="Remove").click()
    user.until(lambda: environments(user) == [], "the environment stays")
    assert "daemon stop" in (user.workspace.parent / "calls").read_text()
    see_that_it_is_missing(user)
    assert toast(user, "Midspan's program is not on").count() == 0


def test_without_uv_a_python_of_the_machine_makes_it(user: VSCode):
    (user.workspace.parent / "ada/.local/bin/uv").unlink()
    user.set(midspan__install__requirement=str(user.workspace.parent / f"{NAME}-py3-none-any.whl"))
    user.status.click()
    user.page.locator(".quick-input-list .monaco-list-row", has_text="Install Midspan").click()
    user.wait_for(toast(user, "Midspan 0.1.0 is installed"))
    complete(user, "pip.py")


def test_a_window_follows_what_another_window_removes_and_makes(user: VSCode):
    (record,) = storage(user).glob("*.json")
    text = record.read_text()
    record.unlink()
    see_that_it_is_missing(user)
    record.write_text(text)
    complete(user, "followed.py")
