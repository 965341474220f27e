"""Next edits by both names: what is answered, when, and what is never answered."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from context.documents.document import Document
from context.next_edit.proposal import Proposal, Rule
from lsp_server.cli.output.stats_words import stats_in_words
from lsp_server.server.pauses import Pauses
from lsp_server.telemetry.journal import Journal
from lsp_server.telemetry.usage import Usage
from lsp_server.telemetry.usage_file import read_counts
from lsp_server.telemetry.usage_report import make_report
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import AUTOMATIC, INVOKED, URI, WAIT_S, InProcess, until
from tests.lsp_server.in_process import cancel, last_trace, settled_workspace
from tests.lsp_server.next_edit.conftest import SetRules
from tests.lsp_server.next_edit.editing import NO_PAUSE, apply, ask, place, renamed, replace_words, run

OTHER = "file:///project/b.py"


async def test_the_answer_holds_the_edits_of_the_buffers_version_the_nearest_first(rules: SetRules):
    editor = await renamed()
    first, second = await ask(editor, 0, 3)
    assert (place(first), place(second)) == (("a.py", 1, 0), ("a.py", 2, 0))
    assert first["textDocument"] == {"uri": URI, "version": 2}
    assert first["range"]["end"] == {"line": 1, "character": 3}
    assert (first["text"], first["why"]) == ("new", "rename")
    assert first["command"]["command"] == "midspan.acceptNextEdit"
    trace = await last_trace(editor)
    assert (trace["kind"], trace["outcome"], trace["detail"]) == ("next edit", "shown", "rename")


async def test_the_third_edit_is_another_change_where_the_first_two_are_one(rules: SetRules):
    rename, other = replace_words("old", "new"), replace_words("size", "new", 0.6)
    rules.are(lambda *state: (*rename(*state), *other(*state)))
    text = "new = 1\nold + 1\nold + 2\nold + 3\nsize + 4\n"
    assert [place(edit)[1] for edit in await ask(await renamed(text), 0, 3)] == [1, 2, 4]


async def test_the_server_announces_next_edits():
    editor = InProcess(FakeEngine(lambda _before, _after: ""))
    result = await editor.initialize()
    assert result["capabilities"]["experimental"]["midspan"]["nextEdit"] is True


async def test_copilots_name_gets_the_best_edit_of_each_document_because_its_clients_apply_all(rules: SetRules):
    editor = await renamed()
    await editor.open("from a import old\n", OTHER)
    edits = await ask(editor, 0, 3, method="textDocument/copilotInlineEdit", document={"version": 2})
    assert [place(edit) for edit in edits] == [("a.py", 1, 0), ("b.py", 0, 14)]


async def test_a_chain_of_acceptances_is_answered_from_what_was_found_ahead_across_two_files(rules: SetRules):
    editor = await renamed(pauses=Pauses(editing_s=0.0))
    await editor.open("from a import old\n", OTHER)
    edits, texts = await ask(editor, 0, 3), []
    editor.server.pauses = Pauses(editing_s=WAIT_S)  # a chain that waits for a pause would run into the time limit
    while edits:
        texts.append(place(edits[0]))
        await apply(editor, edits[0])
        uri, end = edits[0]["textDocument"]["uri"], edits[0]["range"]["start"]
        edits = await ask(editor, end["line"], end["character"] + 3, uri=uri)
        assert (await last_trace(editor))["source"] == "look_ahead"
    assert texts == [("a.py", 1, 0), ("a.py", 2, 0), ("b.py", 0, 14)]
    session = editor.server.session
    assert session.documents.document(URI).text == "new = 1\nnew + 1\nnew + 2\n"
    assert session.documents.document(OTHER).text == "from a import new\n"


async def test_a_key_does_not_take_what_was_found_ahead_before_the_index_knew_more(rules: SetRules):
    find = replace_words("old", "new")
    # The second search is the one ahead.
    rules.are(lambda *arguments: () if rules.calls == 2 else find(*arguments))
    editor = await renamed()
    first, *_ = await ask(editor, 0, 3)
    await until(lambda: rules.calls == 2)
    await apply(editor, first)
    assert [place(edit) for edit in await ask(editor, 1, 3, kind=INVOKED)] == [("a.py", 2, 0)]


async def test_nothing_found_ahead_is_looked_for_again_when_the_index_knows_more(rules: SetRules, tmp_path: Path):
    find = replace_words("old", "new")
    rules.are(lambda *arguments: () if rules.calls == 2 else find(*arguments))  # the second search is the one ahead
    uri = (tmp_path / "a.py").as_uri()
    editor = InProcess(FakeEngine(lambda _before, _after: ""), pauses=NO_PAUSE)
    await editor.initialize(root=tmp_path.as_uri())
    await editor.open("old = 1\nold + 1\nold + 2\n", uri)
    await editor.change((0, 0), (0, 3), "new", uri)
    workspace = await settled_workspace(editor, uri)
    first, *_ = await ask(editor, 0, 3, uri=uri)
    await until(lambda: rules.calls == 2)
    (tmp_path / "b.py").write_text("old = 1\n")
    await until(lambda: workspace.state().files == 1)
    await settled_workspace(editor, uri)
    await apply(editor, first)
    assert [place(edit) for edit in await ask(editor, 1, 3, uri=uri)] == [("a.py", 2, 0)]
    await editor.request("shutdown")


async def test_a_request_waits_for_the_pause_and_a_key_ends_it(rules: SetRules):
    editor = await renamed(pauses=Pauses(editing_s=WAIT_S))
    params = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 3}}
    _, answer = await editor.start_request("midspan/nextEdit", params)
    await asyncio.sleep(0.02)
    assert rules.calls == 0
    await editor.change((2, 7), (2, 7), "5")
    assert await answer == {"edits": []}
    assert (await last_trace(editor))["outcome"] == "superseded"


async def test_a_key_that_asks_waits_for_no_pause_and_is_shown_what_is_unsure(rules: SetRules):
    rules.are(replace_words("old", "new", confidence=0.2))
    editor = await renamed(pauses=Pauses(editing_s=WAIT_S))
    assert len(await ask(editor, 0, 3, kind=INVOKED)) == 2
    editor.server.pauses = NO_PAUSE
    assert await ask(editor, 0, 3) == []
    assert (await last_trace(editor))["outcome"] == "low_confidence"


@pytest.mark.parametrize(("when", "by_itself", "by_key"), [("always", 2, 2), ("by_key", 0, 2), ("never", 0, 0)])
async def test_the_setting_switches_next_edits_on_off_and_to_a_key(
    rules: SetRules, when: str, by_itself: int, by_key: int
):
    editor = await renamed(options={"next_edit": {"when": when}})
    assert len(await ask(editor, 0, 3)) == by_itself
    assert len(await ask(editor, 0, 3, kind=INVOKED)) == by_key


async def test_there_are_none_where_completion_is_switched_off(rules: SetRules):
    editor = await renamed(options={"completion": {"disabled_languages": ["python"]}})
    assert await ask(editor, 0, 3, kind=INVOKED) == []


@pytest.mark.parametrize("kind", [AUTOMATIC, INVOKED])
async def test_the_trace_names_the_rule_that_keeps_the_file_out(rules: SetRules, kind: int):
    editor = await renamed("# Code generated by x. DO NOT EDIT.\nnew = 1\nold + 1\n")
    assert await ask(editor, 1, 3, kind=kind) == []
    trace = await last_trace(editor)
    assert (trace["outcome"], rules.calls) == ("excluded", 0)
    assert trace["summary"].startswith("nothing asked: the file is in no prompt (it says that it is generated")


async def test_a_request_about_another_version_is_answered_with_nothing(rules: SetRules):
    editor = await renamed()
    assert await ask(editor, 0, 3, document={"version": 1}) == []
    assert (await last_trace(editor))["outcome"] == "other_version"


async def test_an_edit_whose_text_has_changed_meanwhile_is_never_sent(rules: SetRules):
    """The rules read a state that is not the buffer's any more."""
    editor = await renamed()
    old = Document("a.py", "new = 1\nold + 1\n", "python", 2)
    rules.are(lambda *_arguments: (Proposal(old, 8, 11, "new", Rule.RENAME, 1.0),))
    assert await ask(editor, 0, 3) == []


async def test_there_is_none_while_a_ghost_text_is_shown_at_the_cursor(rules: SetRules):
    editor = await renamed("new = \nold + 1\n")
    await editor.change((0, 6), (0, 6), "x")
    params = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 7}}
    _, completion = await editor.start_completion(0, 7)
    _, answer = await editor.start_request("midspan/nextEdit", params)  # waits for the completion
    assert await answer == {"edits": []}
    assert (await completion)["items"]
    assert (await last_trace(editor))["outcome"] == "ghost_text"
    assert len(await ask(editor, 1, 0)) == 1


async def test_a_cursor_that_only_moves_asks_beside_a_recent_edit_alone(rules: SetRules):
    editor = await renamed("new = 1\n" + "\n" * 30 + "old + 1\n")
    assert len(await ask(editor, 0, 3)) == 1
    assert await ask(editor, 20, 0) == []
    assert (await last_trace(editor))["outcome"] == "far_from_edits"
    assert len(await ask(editor, 4, 0)) == 1
    diagnostic = {"range": {"start": {"line": 9, "character": 0}, "end": {"line": 9, "character": 0}}, "message": "m"}
    assert len(await ask(editor, 20, 0, diagnostics=[diagnostic])) == 1  # a new diagnostic asks anywhere


async def test_a_dismissed_edit_is_not_offered_again_at_its_place_and_others_are(rules: SetRules):
    editor = await renamed()
    first, second = await ask(editor, 0, 3)
    await run(editor, "midspan.dismissNextEdit", first)
    assert [place(edit) for edit in await ask(editor, 0, 3)] == [place(second)]
    await editor.change((0, 0), (0, 0), "import x\n")  # the dismissed place moves with the text
    assert [place(edit) for edit in await ask(editor, 1, 3)] == [("a.py", 3, 0)]
    await editor.change((2, 6), (2, 7), "9")
    assert len(await ask(editor, 2, 7)) == 1  # the line was changed, but not the dismissed word
    for written in ("odd", "old"):  # the user has turned to the word again
        await editor.change((2, 0), (2, 3), written)
    assert len(await ask(editor, 2, 3)) == 2


async def test_what_the_user_has_just_typed_is_not_taken_back(rules: SetRules):
    rules.are(replace_words("new", "old"))
    editor = await renamed()
    assert await ask(editor, 0, 3) == []


async def test_an_edit_that_changes_nothing_is_not_offered(rules: SetRules):
    rules.are(replace_words("old", "old"))
    editor = await renamed()
    assert await ask(editor, 0, 3, kind=INVOKED) == []


async def test_an_edit_has_the_line_ends_of_its_document_and_columns_of_the_client(rules: SetRules):
    rules.are(replace_words("old", "a\nnew"))
    editor = await renamed("new = 1\r\n# 𝕏 old\r\n")
    (edit,) = await ask(editor, 0, 3, kind=INVOKED)
    assert (place(edit), edit["text"]) == (("a.py", 1, 5), "a\r\nnew")


async def test_a_completion_is_answered_while_next_edits_are_searched(rules: SetRules):
    searching, go_on = threading.Event(), threading.Event()

    def slow(*_arguments: Any) -> Sequence[Any]:
        searching.set()
        assert go_on.wait(WAIT_S)
        return ()

    rules.are(slow)  # type: ignore[arg-type]  # a search that finds nothing
    editor = await renamed("new = \nold + 1\n")
    params = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 0}}
    _, answer = await editor.start_request("midspan/nextEdit", params)
    assert await asyncio.to_thread(searching.wait, WAIT_S)
    assert await editor.complete(0, 6) == "hello()"
    assert not answer.done()
    go_on.set()
    await answer


async def test_a_cancelled_request_gets_lsps_error(rules: SetRules):
    editor = await renamed(pauses=Pauses(editing_s=WAIT_S))
    params = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 3}}
    await cancel(editor, *await editor.start_request("midspan/nextEdit", params))


async def test_a_request_that_was_ended_does_not_make_the_next_one_a_move_of_the_cursor(rules: SetRules):
    editor = await renamed("new = 1\n" + "\n" * 30 + "old + 1\n", pauses=Pauses(editing_s=WAIT_S))
    params = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 3}}
    await cancel(editor, *await editor.start_request("midspan/nextEdit", params))
    editor.server.pauses = NO_PAUSE
    assert len(await ask(editor, 20, 0)) == 1


async def test_a_newer_request_ends_the_older_one(rules: SetRules):
    editor = await renamed(pauses=Pauses(editing_s=WAIT_S))
    params = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 3}}
    _, older = await editor.start_request("midspan/nextEdit", params)
    assert len(await ask(editor, 0, 3, kind=INVOKED)) == 2
    assert await older == {"edits": []}


async def test_what_is_shown_and_accepted_is_counted_once_and_apart_from_suggestions(rules: SetRules, tmp_path: Path):

    journal = Journal(Usage(tmp_path / "usage.db"))
    editor = await renamed(journal=journal)
    first, second = await ask(editor, 0, 3)
    for _ in range(2):
        await editor.notify("textDocument/didShowInlineEdit", {"item": first})
    await run(editor, "midspan.dismissNextEdit", second)
    await apply(editor, first)
    await run(editor, "midspan.acceptNextEdit", first)
    journal.close()
    counts = make_report(read_counts(tmp_path / "usage.db", "2000-01-01"))
    report = counts["total"]
    assert report["next_edits"] == {"shown": 2, "accepted": 1, "dismissed": 1, "acceptance": 0.5}
    assert (report["suggestions"], report["accepted"]) == (0, 0)
    assert "next edits: 1 accepted and 1 dismissed of 2 shown" in stats_in_words(counts, "today")


async def test_the_document_in_focus_is_the_most_recently_used(rules: SetRules):
    editor = await renamed()
    await editor.open("1\n", OTHER)
    await editor.notify("textDocument/didFocus", {"textDocument": {"uri": URI}})
    await editor.notify("textDocument/didFocus", {})
    assert [uri for uri, _ in editor.server.session.documents.others("")] == [URI, OTHER]
