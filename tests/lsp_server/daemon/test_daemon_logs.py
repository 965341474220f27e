"""Each session has its own log, and a log has a limit."""

import logging

from lsp_server.telemetry.log_setup import open_log
from tests.lsp_server.daemons import A, B


async def test_a_log_file_has_its_own_session_only(here, tmp_path):
    logs = tmp_path / "one.log", tmp_path / "two.log"
    async with here.relay(log_file=logs[0]) as one, here.relay(log_file=logs[1]) as two:
        for editor, uri in ((one, A), (two, B)):
            await editor.initialize()
            await editor.open("x = ", uri=uri)
            assert await editor.complete(0, 4, uri=uri) == "hello()"
    one_text, two_text = (path.read_text() for path in logs)
    assert "a.py:1:5: shown" in one_text
    assert "b.py" not in one_text
    assert "b.py:1:5: shown" in two_text
    assert "a.py" not in two_text


async def test_each_session_has_its_own_log_level(here, tmp_path):
    logs = {level: tmp_path / f"{level}.log" for level in ("error", "debug", "info")}
    async with (
        here.relay(log_file=logs["error"]) as one,
        here.relay(log_file=logs["debug"]) as two,
        here.relay(log_file=logs["info"]) as three,
    ):
        for editor, level in ((one, "error"), (two, "debug"), (three, "info")):
            await editor.initialize(options={"log_level": level})
        for editor in (three, two, one):
            await editor.open("x = ")
            assert await editor.complete(0, 4) == "hello()"
            await editor.notify("midspan/unknown")
            await editor.request("midspan/status")
        texts = {level: path.read_text() for level, path in logs.items()}
        assert [level for level, text in texts.items() if "shown" in text] == ["debug", "info"]
        assert [level for level, text in texts.items() if "'midspan/unknown' is ignored" in text] == ["debug"]
        (log,) = here.base.rglob("daemon.log")
        assert "shown" in log.read_text()
        assert "is ignored" not in log.read_text()


def test_a_log_does_not_grow_without_end(tmp_path):
    handler = open_log(tmp_path / "midspan.log")
    for _ in range(12_000):
        handler.emit(logging.makeLogRecord({"msg": "x" * 1000}))
    handler.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000_000
