"""An editor whose user reads an item, while the engine looks ahead."""

from typing import Any

from lsp_server.server.pauses import Pauses
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import InProcess, until
from tests.lsp_server.in_process import editor_with, is_at_rest

ITEM, NEXT = "first()", "\nsecond()\nthird()"
AFTER = "x = first()"
OTHER = "file:///project/b.py"
LONG_PAUSE = Pauses(reading_s=1000)  # longer than any keystroke waits, however slow the machine is


def write(before: str, _after: str) -> str:
    """Return the text that the fake engine writes."""
    return NEXT if before.endswith(ITEM) else ITEM


async def reading(text: str = "x = \n", *, is_held: bool = False, **options: Any) -> tuple[InProcess, FakeEngine]:
    """Return an editor that shows the first item, not accepted yet, and its engine, whose look-ahead may be held."""
    editor, engine = await editor_with(text, options.pop("answer", write), look_ahead=True, **options)
    if is_held:
        engine.background_gate.clear()
    assert await editor.complete(0, 4) == ITEM
    return editor, engine


async def begun(engine: FakeEngine) -> None:
    """Wait until the engine runs a second request, such as one that looks ahead."""
    await until(lambda: len(engine.requests) == 2 and engine.live)


async def done(engine: FakeEngine, requests: int = 2) -> None:
    """Wait until the engine has looked ahead."""
    await until(lambda: len(engine.requests) == requests and is_at_rest())


async def accept(editor: InProcess, item: str = ITEM) -> None:
    await editor.accept(0, 4, item)


async def nothing_is_begun(engine: FakeEngine) -> None:
    """Assert that the engine looks ahead neither now nor later."""
    await until(is_at_rest)
    assert len(engine.requests) == 1
