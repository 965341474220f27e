"""A headless Chromium, driven by the DevTools protocol over a pipe, as Chromium itself offers it."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.e2e.waiting import WAIT_S

CHROMIUM = Path(__file__).parents[2] / ".tools" / "browser" / "chromium"
_FLAGS = (
    "--headless",
    "--no-sandbox",  # root has none; the pages are our own
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class Page:
    """A tab. `complaints` are errors of scripts and resources that the security policy has refused."""

    def __init__(self, reader: asyncio.StreamReader, write_end: int) -> None:
        self.complaints: list[str] = []
        self._write_end = write_end
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._session: str | None = None
        self._loaded = asyncio.Event()
        self._reading = asyncio.ensure_future(self._read(reader))

    async def open(self, url: str) -> None:
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        self._loaded.clear()
        await self.call("Page.navigate", url=url)
        # The browser never answers a script that is sent while a new page replaces the old one.
        await asyncio.wait_for(self._loaded.wait(), WAIT_S)

    async def call(self, method: str, **params: Any) -> Any:
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write_end, json.dumps(message).encode() + b"\0")
        return await asyncio.wait_for(future, WAIT_S)

    async def value(self, script: str) -> Any:
        """Return the value of the expression in the page; a promise is awaited."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until the expression is true."""
        async with asyncio.timeout(WAIT_S):
            while not await self.value(f"Boolean({script})"):
                await asyncio.sleep(0.05)

    async def click(self, selector: str) -> None:
        """Click into the middle of the element with the mouse."""
        found = f"document.querySelector({json.dumps(selector)})"
        box = await self.value(f"{found}.scrollIntoView(), JSON.stringify({found}.getBoundingClientRect())")
        rectangle = json.loads(box)
        x, y = (rectangle[start] + rectangle[length] / 2 for start, length in (("x", "width"), ("y", "height")))
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def screenshot(self) -> bytes:
        """Return a picture of the whole page as PNG."""
        answer = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def close(self) -> None:
        self._reading.cancel()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while body := await _next_body(reader):
            message = json.loads(body)
            if (future := self._waiting.pop(message.get("id", 0), None)) is not None:
                if "error" in message:
                    future.set_exception(AssertionError(message["error"]))
                else:
                    future.set_result(message["result"])
            elif message["method"] == "Page.loadEventFired":
                self._loaded.set()
            elif message["method"] == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(message["params"]["exceptionDetails"]))
            elif message["method"] == "Log.entryAdded":
                self.complaints.append(message["params"]["entry"]["text"])


async def _next_body(reader: asyncio.StreamReader) -> bytes:
    """Return the next message; b"" when the browser has ended."""
    with suppress(asyncio.IncompleteReadError):
        return (await reader.readuntil(b"\0"))[:-1]
    return b""


@asynccontextmanager
async def browser_page(url: str, width: int = 1200, height: int = 900) -> AsyncIterator[Page]:
    """Start a browser with this page, and end it afterwards."""
    profile = tempfile.mkdtemp(prefix="mid")
    to_browser, from_browser = os.pipe(), os.pipe()
    # Chromium reads from descriptor 3 and writes to descriptor 4. A plain sh knows no descriptors past 9.
    script = f'exec "$0" "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
    command = [
        "bash",
        "-c",
        script,
        str(CHROMIUM),
        *_FLAGS,
        f"--window-size={width},{height}",
        f"--user-data-dir={profile}",
    ]
    process = subprocess.Popen(
        command, pass_fds=(to_browser[0], from_browser[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(to_browser[0])
    os.close(from_browser[1])
    reader = asyncio.StreamReader(limit=1 << 26)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_browser[0], "rb", 0)
    )
    page = Page(reader, to_browser[1])
    try:
        await page.open(url)
        yield page
    finally:
        page.close()
        transport.close()
        os.close(to_browser[1])
        process.kill()
        await asyncio.to_thread(process.wait)
        shutil.rmtree(profile, ignore_errors=True)
