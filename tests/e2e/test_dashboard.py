import asyncio
import json
import subprocess
import sys
from urllib.parse import quote

import pytest

from tests.e2e.browser import Page, browser_page
from tests.lsp_server.client import WAIT_S, Stdio
from tests.lsp_server.daemons import Place, place

# The name of this file would run a script if the page took it for HTML.
EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">.py"
URI = f"file:///project/src/{quote(EVIL, safe='')}"
COMMAND = (sys.executable, "-m", "lsp_server.cli", "dashboard", "--no-open")


@pytest.fixture
def here(monkeypatch):
    with place(monkeypatch) as found:
        yield found


async def dashboard_url() -> str:
    done = await asyncio.to_thread(subprocess.run, COMMAND, capture_output=True, text=True, timeout=2 * WAIT_S)
    return done.stdout.strip()


async def editor_that_completed(editor: Stdio) -> None:
    await editor.initialize(client={"name": "<b>Emacs</b>", "version": "30.1"})
    await editor.open("x = \n", uri=URI)
    await editor.open("TOTAL = 2\n", uri="file:///project/price.py")
    assert await editor.complete(0, 4, uri=URI) == "hello()"


async def text_of(page: Page, selector: str) -> str:
    return str(await page.value(f"document.querySelector({json.dumps(selector)}).innerText"))


async def test_a_request_is_on_the_page_and_its_parts_on_a_click(here: Place):
    async with here.relay() as editor:
        await editor_that_completed(editor)
        async with browser_page(await dashboard_url()) as page:
            await page.until("document.querySelectorAll('tr.request').length === 1")
            row = await text_of(page, "tr.request")
            assert f"src/{EVIL}:1:5" in row
            assert "shown 7 characters" in row
            assert "<b>Emacs</b> 30.1" in row
            await page.click("tr.request button")
            await page.until("document.querySelector('tr.more')")
            more = await text_of(page, "tr.more")
            assert "price.py:1\topen buffer" in more
            assert "before the cursor" in more
            assert "in the prompt" in more
            assert await page.value("document.querySelector('tr.request button').ariaExpanded") == "true"
            assert await page.value("document.querySelectorAll('#chart g').length") == 1
            assert "\tfake\t" in row
            assert "ms to a completion of fake, median / p95 of 1" in await text_of(page, "#tiles")
            assert "fake" in await text_of(page, "#models")
            assert "<b>Emacs</b> 30.1" in await text_of(page, "#editors")
            # No script of the name has run, and the policy has refused no part of the page.
            assert await page.value("document.title") == "Midspan"
            assert await page.value("document.querySelectorAll('img, main script, td b').length") == 0
            assert page.complaints == []


async def test_the_page_shows_new_requests_and_the_end_of_the_daemon_by_itself(here: Place):
    async with here.relay() as editor:
        await editor_that_completed(editor)
        async with browser_page(await dashboard_url()) as page:
            await page.until("document.querySelectorAll('tr.request').length === 1")
            await page.click("tr.request button")
            await editor.complete(0, 0, uri=URI)
            await page.until("document.querySelectorAll('tr.request').length === 2")
            assert "in the middle of a line" in await text_of(page, "tr.request")  # the newest is the first
            assert await page.value("document.querySelectorAll('tr.more').length") == 1  # what was opened stays open
            await editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
            await page.until("document.querySelector('#editors').innerText.includes('1 document open')")
            assert await text_of(page, "#state") == "live"
            for daemon in here.processes():
                daemon.kill()
            await page.until("document.querySelector('#state').innerText.includes('midspan dashboard')")


async def test_the_page_follows_light_and_dark_and_a_narrow_window(here: Place, tmp_path):
    async with here.relay() as editor:
        await editor_that_completed(editor)
        async with browser_page(await dashboard_url()) as page:
            await page.until("document.querySelector('tr.request')")
            background = "getComputedStyle(document.body).backgroundColor"
            colors = []
            for scheme in ("light", "dark"):
                await page.call(
                    "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
                )
                colors.append(sum(map(int, (await page.value(background)).removeprefix("rgb(")[:-1].split(","))))
                (tmp_path / f"{scheme}.png").write_bytes(await page.screenshot())
            assert colors[0] > 600 > 200 > colors[1]
            await page.call(
                "Emulation.setDeviceMetricsOverride", width=380, height=800, deviceScaleFactor=1, mobile=False
            )
            assert await page.value("document.documentElement.scrollWidth <= 380")
            assert page.complaints == []


async def test_the_page_shows_nothing_without_the_token(here: Place):
    async with here.relay() as editor:
        await editor_that_completed(editor)
        url = (await dashboard_url()).partition("?")[0]
        async with browser_page(url) as page:
            await page.until("document.body.innerText.includes('token')")
            assert await page.value("document.querySelectorAll('tr').length") == 0


# Of two models: one that was asked for a long prompt, and a small one.
TRACES = """
const times = (ms) => ({pack: 1, first_token: ms - 2, engine: ms - 1, total: ms});
const trace = (model, ms) => ({...traces[0], model, ms: times(ms)});
traces = [trace("slow", 20000), ...Array(9).fill(trace("quick", 6))];
showChart();
showTiles({requests: 0}, {acceptance: null, suggestions: 0});
"""


async def test_no_bar_is_cut_and_a_median_is_that_of_one_model(here: Place):
    async with here.relay() as editor:
        await editor_that_completed(editor)
        async with browser_page(await dashboard_url()) as page:
            await page.until("traces.length === 1")
            await page.value(f"(() => {{{TRACES}}})()")
            top = "Math.min(...[...{}.querySelectorAll('rect:not(.hit)')].map((part) => part.getAttribute('y')))"
            slow, quick = [
                await page.value(top.format(f"document.querySelectorAll('#chart g')[{bar}]")) for bar in (0, 1)
            ]
            assert 8 <= slow < quick < 160  # from the top of the chart; 170 is its floor
            assert "6 / 6\nms to a completion of quick, median / p95 of 9" in await text_of(page, "#tiles")
