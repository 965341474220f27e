"""An editor's messages tell which of its items were accepted."""

import pytest

from lsp_server.completion.triggers import BLOCK_LINES
from lsp_server.telemetry.display_outcome import DisplayOutcome
from lsp_server.telemetry.journal import EditorName, Journal
from tests.lsp_server.client import URI, InProcess
from tests.lsp_server.in_process import editor_with

ASTRAL = "'😀😀', tail"
LONG_ASTRAL = "'😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀', tail"


class NotedOutcomes(Journal):
    """A journal that keeps what became of each ghost text."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[DisplayOutcome] = []

    def note_outcome(self, outcome: DisplayOutcome, editor: EditorName) -> None:
        self.outcomes.append(outcome)


async def watched_editor(text: str, answer: str, encoding: str = "utf-16") -> tuple[InProcess, list[DisplayOutcome]]:
    journal = NotedOutcomes()
    editor, _ = await editor_with(text, answer, encoding=encoding, journal=journal)
    return editor, journal.outcomes


async def show(editor: InProcess, line: int, character: int) -> list[object]:
    """The arguments of the item's command."""
    _, future = await editor.start_completion(line, character)
    (item,) = (await future)["items"]
    arguments: list[object] = item["command"]["arguments"]
    return arguments


async def accept(editor: InProcess, *arguments: object) -> None:
    params = {"command": "midspan.accepted", "arguments": arguments}
    assert await editor.request("workspace/executeCommand", params) is None


def told(outcomes: list[DisplayOutcome]) -> list[tuple[str, int]]:
    return [(outcome.kind, outcome.characters) for outcome in outcomes]


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)])
async def test_what_no_typing_brings_is_accepted_from_an_editor_that_reports_nothing(encoding, units):
    editor, outcomes = await watched_editor("x = \n", LONG_ASTRAL, encoding)
    await show(editor, 0, 4)
    await editor.change((0, 4), (0, 4), LONG_ASTRAL[:21])
    assert await editor.complete(0, 5 + 20 * units) == "', tail"
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    await editor.request("midspan/status")
    assert told(outcomes) == [("part", 21)]
    assert outcomes[0].language == "python"
    assert outcomes[0].latency_ms > 0


async def test_typing_that_comes_in_pieces_of_several_characters_accepts_nothing():
    text = "render_template('index.html', name=name)"
    editor, outcomes = await watched_editor("x = \n", text)
    await show(editor, 0, 4)
    for start in range(0, len(text), 6):
        await editor.change((0, 4 + start), (0, 4 + start), text[start : start + 6])
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    await editor.request("midspan/status")
    assert [kind for kind, _ in told(outcomes)] == ["typed"]


async def test_an_editor_that_has_reported_an_acceptance_is_believed():
    text = "first_long_word + second_long_word()"
    editor, outcomes = await watched_editor("x = \n", text)
    (number,) = await show(editor, 0, 4)
    await accept(editor, number)
    await editor.change((0, 4), (0, 4), text + "\ny = ")
    await show(editor, 1, 4)
    await editor.change((1, 4), (1, 4), text[:30])
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    await editor.request("midspan/status")
    assert [kind for kind, _ in told(outcomes)] == ["accepted", "dismissed"]


async def test_a_word_accepted_by_an_editor_that_says_so():
    editor, outcomes = await watched_editor("x = \n", ASTRAL)
    (number,) = await show(editor, 0, 4)
    await editor.change((0, 4), (0, 4), "'😀")
    await accept(editor, number, 2)
    await editor.change((0, 7), (0, 7), "!")
    await editor.request("midspan/status")
    assert told(outcomes) == [("part", 2)]


async def test_an_item_of_a_file_with_cr_lf_that_is_accepted_whole():
    editor, outcomes = await watched_editor("def f():\r\n    \r\n", "a = 1\n    b = 2")
    await show(editor, 1, 4)
    await editor.change((1, 4), (1, 4), "a = 1\r\n    b = 2")
    await editor.request("midspan/status")
    assert told(outcomes) == [("accepted", 15)]


async def test_an_answer_of_nothing_takes_the_item_away():
    editor, outcomes = await watched_editor("x = \nnot here\n", "hello()")
    await show(editor, 0, 4)
    assert await editor.complete(1, 2) is None
    assert told(outcomes) == [("dismissed", 7)]


async def test_what_is_on_the_screen_at_the_end_is_told():
    editor, outcomes = await watched_editor("x = \n", "hello()")
    await show(editor, 0, 4)
    await editor.request("shutdown")
    assert told(outcomes) == [("dismissed", 7)]


async def test_a_document_that_is_closed_forgets_what_was_accepted_in_it():
    editor, engine = await editor_with("x = \n", "hello")
    assert await editor.complete(0, 4) == "hello"
    await editor.accept(0, 4, "hello")
    await editor.complete(0, 9)
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    await editor.open("x = hello\n")
    await editor.complete(0, 9)
    assert [request.max_lines for request in engine.requests] == [1, BLOCK_LINES, 1]
