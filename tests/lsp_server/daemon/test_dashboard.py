import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lsp_server.cli.dashboard import open_dashboard
from lsp_server.daemon.dashboard import Dashboard
from tests.lsp_server.client import WAIT_S
from tests.lsp_server.daemons import Place


async def no_state(after: int, pid: int) -> dict[str, Any]:
    return {"after": after, "pid": pid}


class Served:
    """A client of a dashboard."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname == "127.0.0.1"
        self.port, self.query, self.host = parts.port, parts.query, parts.netloc

    async def send(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return the status (0 for no answer), the headers and the body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), WAIT_S)
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        return int((status.split() or ["", "0"])[1]), dict(line.lower().split(": ", 1) for line in lines), body

    async def get(self, target: str, host: str | None = None, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        return await self.send(f"{method} {target} HTTP/1.1\r\nHost: {host or self.host}\r\n\r\n".encode())


@pytest.fixture
async def served():
    dashboard = Dashboard(no_state)
    yield Served(await dashboard.url())
    dashboard.close()


async def test_connections_that_say_nothing_do_not_shut_out_the_user(served):
    idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(40)]
    for _, writer in idle[:20]:
        writer.write(b"GET / HT")  # nor do those that begin a request
    assert (await served.get(f"/?{served.query}"))[0] == 200
    assert (await served.get(f"/state?{served.query}"))[0] == 200
    for _, writer in idle:
        writer.close()


async def test_the_page_and_its_state_need_the_token(served):
    status, headers, page = await served.get(f"/?{served.query}")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>Midspan</title>" in page
    status, headers, state = await served.get(f"/state?{served.query}&after=7&pid=12")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(state) == {"after": 7, "pid": 12}
    assert (await served.get(f"/?{served.query}", host=f"localhost:{served.port}"))[0] == 200
    assert (await served.get(f"/other?{served.query}"))[0] == 404
    assert json.loads((await served.get(f"/state?{served.query}&after=-1&pid=%C2%B2"))[2]) == {"after": 0, "pid": 0}


@pytest.mark.parametrize("target", ["/", "/?token=", "/state", "/state?token=x", "/?token=%00%ff", "/?TOKEN=x", "*"])
async def test_without_the_token_the_answer_says_nothing(served, target):
    status, _, body = await served.get(target)
    assert status == 403
    assert b"Midspan" not in body


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.evil.example",
        "[::1]:{port}",
    ],
)
async def test_a_web_site_whose_domain_resolves_to_this_machine_is_refused(served, host):
    assert (await served.get(f"/state?{served.query}", host=host.format(port=served.port)))[0] == 403


async def test_two_hosts_no_host_and_another_servers_address_are_refused(served):
    target = f"/state?{served.query}".encode()
    host = f"Host: {served.host}\r\n".encode()
    for head in (
        b"GET " + target + b" HTTP/1.1\r\n" + host + b"Host: evil.example\r\n",
        b"GET " + target + b" HTTP/1.0\r\n",
        b"GET http://evil.example" + target + b" HTTP/1.1\r\n" + host,
    ):
        assert (await served.send(head + b"\r\n"))[0] in (400, 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "CONNECT"])
async def test_only_get_is_answered(served, method):
    status, headers, body = await served.get(f"/state?{served.query}", method=method)
    assert (status, body) == (405, b"")
    assert headers["allow"] == "get"


async def test_bytes_that_are_not_http_end_their_connection_only(served):
    assert (await served.send(b"\x16\x03\x01 not http\r\n\r\n"))[0] == 400
    assert (await served.send(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n"))[0] in (400, 431)
    silent = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(40)]
    for _, writer in silent:
        writer.close()
    async with asyncio.timeout(WAIT_S):  # until the dashboard has seen enough of them close
        while (await served.get(f"/?{served.query}"))[0] != 200:
            await asyncio.sleep(0.01)


async def test_the_page_runs_its_own_script_and_reaches_this_server_only(served):
    _, headers, page = await served.get(f"/?{served.query}")
    rules = headers["content-security-policy"]
    assert rules.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in rules
    assert "frame-ancestors 'none'" in rules
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers
    assert b"http:" not in page.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"innerHTML" not in page


async def test_the_daemon_serves_one_dashboard_on_request_and_closes_it_when_it_ends(here: Place):
    command = [sys.executable, "-m", "lsp_server.cli", "dashboard", "--no-open"]
    async with here.relay() as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.complete(0, 4)
        (daemon,) = here.processes()
        assert not daemon.net_connections("inet")  # before the first request for the dashboard
        urls = [subprocess.run(command, capture_output=True, text=True, timeout=2 * WAIT_S).stdout for _ in "12"]
        assert urls[0] == urls[1]
        served = Served(urls[0].strip())
        assert [connection.laddr.ip for connection in daemon.net_connections("inet")] == ["127.0.0.1"]
        state = json.loads((await served.get(f"/state?{served.query}"))[2])
        assert [trace["outcome"] for trace in state["traces"]] == ["shown"]
        assert state["status"]["pid"] == daemon.pid
        assert "suggestions" in state["usage"]
        newer = json.loads((await served.get(f"/state?{served.query}&after=1&pid={daemon.pid}"))[2])
        assert newer["traces"] == []
        daemon.terminate()
        daemon.wait(WAIT_S)
        with pytest.raises(ConnectionRefusedError):
            await served.get("/")


async def test_the_command_line_of_the_browser_has_no_token(here: Place, monkeypatch, capsys):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    async with here.relay() as editor:
        await editor.initialize()
        await asyncio.to_thread(open_dashboard, in_browser=True)
        url = capsys.readouterr().out.strip()
        (address,) = opened
        door = Path(urlsplit(address).path)
        assert urlsplit(url).query not in address
        assert f"url={url}" in door.read_text()
        assert stat.S_IMODE(door.stat().st_mode) == 0o600
