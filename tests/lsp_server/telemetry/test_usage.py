import json
import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli.output.stats_words import stats_in_words
from lsp_server.daemon.build_server import build_server
from lsp_server.server.engines import Engines
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.settings.source import Source, Voice
from lsp_server.settings.sources import apply_options
from lsp_server.settings.values import Settings
from lsp_server.telemetry.journal import Journal
from lsp_server.telemetry.usage import Usage, bucket_ms, latency_bucket
from lsp_server.telemetry.usage_file import Group, add_counts, read_counts
from lsp_server.telemetry.usage_report import make_report, summarize
from midspan import SettingsError
from tests.fake_engine import Answer, FakeEngine
from tests.lsp_server.client import INVOKED, WAIT_S, InProcess, until
from tests.lsp_server.daemons import place

GROUP = Group("2026-01-31", "python", "Neovim")


class Counted(InProcess):
    """An editor whose completions are counted in a file."""

    def __init__(self, usage: Usage, answer: Answer = lambda *_: "hello()", **options: Any) -> None:
        engine = FakeEngine(answer, **options)
        super().__init__(engine)
        self.journal = Journal(usage)
        engines = Engines(lambda _settings: engine)
        self.server = build_server(
            {"completion.look_ahead": False}, engines, SharedWorkspaces(), Path("/"), self.journal
        )
        self.server.protocol.set_writer(self)

    def report(self, path: Path) -> dict[str, Any]:
        self.server.session.close()
        self.journal.close()
        return make_report(read_counts(path, ""))


async def counted(path: Path, settings: Any = None, most_groups: int = 200, **options: Any) -> Counted:
    editor = Counted(Usage(path, most_groups), **options)
    await editor.initialize(client={"name": "Neovim", "version": "0.12.4"}, options=settings)
    await editor.open("x = \n")
    return editor


async def test_an_accepted_text_is_counted_by_language_and_editor(tmp_path):
    path = tmp_path / "state" / "usage.sqlite3"
    editor = await counted(path)
    assert await editor.complete(0, 4) == "hello()"
    await editor.accept(0, 4, "hello()")
    found = editor.report(path)
    total = found["total"]
    assert (total["suggestions"], total["accepted"], total["acceptance"], total["characters"]) == (1, 1, 1.0, 7)
    assert total["answers"] == 1
    assert 0.5 < total["reuse"] < 1
    assert total["latency_ms"]["p50"] == total["latency_ms"]["p99"] > 0
    assert list(found["by_language"]) == ["python"]
    assert list(found["by_editor"]) == ["Neovim"]
    assert list(found["by_day"]) == [time.strftime("%Y-%m-%d")]


def test_a_file_whose_first_counts_are_being_written_has_none(tmp_path):
    (tmp_path / "usage.sqlite3").touch()
    assert read_counts(tmp_path / "usage.sqlite3", "2000-01-01") == {}


async def test_ghost_text_that_could_not_be_read_is_no_suggestion(tmp_path, monkeypatch):
    monkeypatch.setattr("lsp_server.telemetry.usage._SEEN_AFTER_S", 1000.0)  # however slow the machine is
    path = tmp_path / "usage.sqlite3"
    editor = await counted(path)
    await editor.complete(0, 4)
    await editor.change((0, 4), (0, 4), "1")  # before the user can have read it
    total = editor.report(path)["total"]
    assert (total["suggestions"], total["acceptance"], total["answers"]) == (0, None, 1)


async def test_the_share_of_written_tokens_that_was_shown_is_counted(tmp_path):
    path = tmp_path / "usage.sqlite3"
    answers = iter(["hello()  ", "f(a" + 200 * ", c"])  # two spaces are cut, and a loop is not shown
    editor = await counted(path, answer=lambda *_: next(answers))
    assert await editor.complete(0, 4) == "hello()"
    traces = editor.server.session.journal.traces
    assert {name: traces.newest()[-1].tokens[name] for name in ("text", "shown")} == {"text": 9, "shown": 7}
    await editor.change((0, 4), (0, 4), "1")
    assert await editor.complete(0, 5) is None
    assert {name: traces.newest()[-1].tokens[name] for name in ("text", "shown")} == {"text": 39, "shown": 0}
    found = editor.report(path)
    assert found["total"]["shown_share"] == round(7 / (9 + 39), 4)
    assert "shown: 15% of the tokens that the model wrote" in stats_in_words(found, "2026-01-31")


async def test_nothing_is_counted_when_the_user_turns_stats_off(tmp_path):
    path = tmp_path / "usage.sqlite3"
    editor = await counted(path, {"stats": False})
    await editor.complete(0, 4, kind=INVOKED)
    await editor.accept(0, 4, "hello()")
    assert editor.report(path)["total"]["answers"] == 0
    assert not path.exists()


async def test_the_file_has_no_text_and_no_file_names_and_no_other_user_may_read_it(tmp_path):
    path = tmp_path / "state" / "usage.sqlite3"
    editor = await counted(path)
    await editor.open("secret_name = \n", uri="file:///project/secret_file.py")
    await editor.complete(0, 14, uri="file:///project/secret_file.py")
    await editor.accept(0, 14, "hello()", uri="file:///project/secret_file.py")
    editor.report(path)
    data = path.read_bytes()
    assert b"python" in data
    assert not [word for word in (b"secret", b"hello", b"project") if word in data]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_past_a_limit_all_new_languages_become_one(tmp_path):
    path = tmp_path / "usage.sqlite3"
    editor = await counted(path, most_groups=5)
    for number in range(8):
        uri = f"file:///project/{number}"
        await editor.open("x = \n", uri=uri, language=f"{number}" * 100)
        await editor.complete(0, 4, uri=uri)
    languages = editor.report(path)["by_language"]
    assert len(languages) == 6
    assert languages["other"]["answers"] == 3
    assert max(map(len, languages)) <= 40


def test_counts_add_up_and_old_days_go(tmp_path):
    path = tmp_path / "usage.sqlite3"
    old = Group("2001-01-01", "python", "Neovim")
    today = Group(time.strftime("%Y-%m-%d"), "python", "Neovim")
    for _ in range(3):
        add_counts(path, {today: Counter(seen=2, accepted=1), old: Counter(seen=5)})
    assert read_counts(path, "") == {today: Counter(seen=6, accepted=3)}
    assert read_counts(path, "9999-01-01") == {}


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_a_broken_file_is_rebuilt(tmp_path, content):
    path = tmp_path / "usage.sqlite3"
    path.write_bytes(content)
    path.chmod(0o644)
    today = Group(time.strftime("%Y-%m-%d"), "python", "Neovim")
    add_counts(path, {today: Counter(seen=2)})
    assert read_counts(path, "") == {today: Counter(seen=2)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_written_costs_nothing_but_one_line_of_the_log(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    editor = await counted(tmp_path / "file" / "usage.sqlite3")
    assert await editor.complete(0, 4) == "hello()"
    editor.journal.close()
    assert await editor.complete(0, 4) == "hello()"
    await editor.accept(0, 4, "hello()")
    editor.server.session.close()
    editor.journal.close()
    assert caplog.text.count("cannot be written") == 1


def test_a_process_that_is_killed_leaves_a_whole_file(tmp_path):
    path = tmp_path / "usage.sqlite3"
    today = time.strftime("%Y-%m-%d")
    code = f"""
from collections import Counter
from pathlib import Path
from lsp_server.telemetry.usage_file import Group, add_counts
while True:
    add_counts(Path({str(path)!r}), {{Group({today!r}, "python", "x"): Counter(seen=1, accepted=1)}})
    print(flush=True)
"""
    known, chance = 0, random.Random(3)
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        time.sleep(chance.random() / 20)
        process.kill()
        process.communicate()
        (counts,) = read_counts(path, "").values() or [Counter()]
        assert counts["seen"] == counts["accepted"] > known  # both of a write or none
        known = counts["seen"]
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_percentiles_are_right_within_a_bucket():
    chance = random.Random(7)
    times = [chance.lognormvariate(4.5, 0.8) for _ in range(5000)]
    counts = Counter(f"latency-{latency_bucket(ms)}" for ms in times)
    found = summarize(counts)["latency_ms"]
    for percent in (50, 90, 95, 99):
        exact = sorted(times)[len(times) * percent // 100]
        assert abs(found[f"p{percent}"] / exact - 1) < 0.2
    assert bucket_ms(latency_bucket(0)) < 1
    assert latency_bucket(float("inf")) == latency_bucket(10**9)


def test_a_workspace_cannot_turn_the_counting_on(tmp_path):
    source = Source(tmp_path, None, Voice.WORKSPACE)
    settings, (error,) = apply_options(Settings(stats=False), {"stats": True}, source)
    assert settings == Settings(stats=False)
    assert isinstance(error, SettingsError)


async def test_the_command_line_prints_the_counts(monkeypatch):
    with place(monkeypatch) as here:

        def midspan_stats(*arguments: str) -> str:
            command = [sys.executable, "-m", "lsp_server.cli", "stats", *arguments]
            return subprocess.run(command, capture_output=True, text=True, timeout=2 * WAIT_S, check=True).stdout

        assert "Nothing was counted since" in midspan_stats()
        async with here.relay() as editor:
            await editor.initialize(client={"name": "Hel\x1bix"})
            await editor.open("x = \n")
            await editor.complete(0, 4)
            await editor.accept(0, 4, "hello()")
            await editor.request("midspan/status")
            found = await until(
                lambda: Counter(json.loads(midspan_stats("--json"))["total"])["accepted"], "not written"
            )
            assert found == 1
        shown = midspan_stats("--days", "1")
        assert [row for row in shown.splitlines() if row.startswith("python") and "100%" in row]
        assert "Hel\ufffdix" in shown
        assert "1 answers of the model" in shown
        assert os.path.dirname(json.loads(midspan_stats("--json"))["file"]).startswith(str(here.base))
