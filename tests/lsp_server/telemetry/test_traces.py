import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest

from lsp_server.cli.trace import show_traces
from lsp_server.telemetry.record import Record
from lsp_server.telemetry.traces import Traces
from midspan import DocumentError, MidspanError
from tests.fake_engine import FakeEngine
from tests.lsp_server.actions.actions_client import actions_at, resolve
from tests.lsp_server.client import INVOKED, WAIT_S, InProcess, ResponseError, until
from tests.lsp_server.daemons import place
from tests.lsp_server.in_process import editor_with

OTHER = "file:///project/lib/price.py"


async def neovim_with(text: str, answer="hello()", **engine_options) -> InProcess:
    client = {"name": "Neovim", "version": "0.12.4"}
    editor, _ = await editor_with(text, answer, uri="file:///project/src/a.py", client=client, **engine_options)
    return editor


async def complete(editor: InProcess, line: int, character: int, **kwargs) -> str | None:
    return await editor.complete(line, character, uri="file:///project/src/a.py", **kwargs)


async def traces_of(editor: InProcess, **params) -> list[dict[str, Any]]:
    traces: list[dict[str, Any]] = (await editor.request("midspan/trace", params))["traces"]
    return traces


async def test_a_trace_says_the_parts_of_the_prompt_the_costs_and_the_outcome():
    editor = await neovim_with("secret_name = 1\nx = \n", confidence=0.75)
    await editor.open("SECRET_TOTAL = 2\n", uri=OTHER)
    assert await complete(editor, 1, 4) == "hello()"
    (trace,) = await traces_of(editor)
    assert (trace["kind"], trace["editor"], trace["path"]) == ("completion", "Neovim 0.12.4", "src/a.py")
    assert (trace["position"], trace["language"], trace["explicit"]) == ([1, 4], "python", False)
    assert (trace["outcome"], trace["shown_characters"]) == ("shown", 7)
    assert (trace["model"], trace["confidence"], trace["counts"]) == ("fake", 0.75, "exact")
    parts = [(part["kind"], part["path"], part["why"]) for part in trace["packed"]]
    assert parts == [
        ("snippet", "lib/price.py", "open buffer"),
        ("prefix", "src/a.py", "before the cursor"),
        ("suffix", "src/a.py", "after the cursor"),
    ]
    assert sum(part["tokens"] for part in trace["packed"]) == trace["packed_tokens"] > 0
    tokens = trace["tokens"]
    assert tokens["prompt"] == tokens["cached"] + tokens["prefilled"]
    assert tokens["decode"] == 7
    assert set(trace["ms"]) == {"pack", "engine", "first_token", "post", "total"}
    assert trace["ms"]["total"] >= trace["ms"]["pack"] + trace["ms"]["engine"]


async def test_a_trace_holds_no_text_of_the_user():
    editor = await neovim_with("secret_name = 1\nx = \n", answer="hello_answer()")
    await editor.open("SECRET_TOTAL = 2\n", uri=OTHER)
    await complete(editor, 1, 4)
    text = json.dumps(await traces_of(editor))
    assert not [word for word in ("secret_name", "SECRET_TOTAL", "hello_answer") if word in text]


async def test_a_part_that_kept_its_place_is_marked_as_kept():
    editor = await neovim_with("x = \n")
    await editor.open("TOTAL = 2\n" * 5, uri=OTHER)
    await complete(editor, 0, 4)
    await editor.change((0, 4), (0, 4), "y + ", uri="file:///project/src/a.py")
    await complete(editor, 0, 8)
    first, second = await traces_of(editor)
    assert [part["moved"] for part in first["packed"][:2]] == [True, True]
    assert [part["moved"] for part in second["packed"][:2]] == [False, False]


@pytest.mark.parametrize(
    ("text", "position", "answer", "outcome", "summary"),
    [
        ("x = y", (0, 2), "hello()", "mid_line", "nothing asked: the cursor is in the middle of a line"),
        ("x = \n", (0, 4), "", "empty", "nothing shown: "),
        ("x = \n", (9, 0), "hello()", "failed", "failed: "),
        ("key = 'ghp_" + "a1B2" * 9 + "'\nx = \n", (1, 4), "hello()", "failed", "failed: src/a.py is in no prompt: "),
    ],
)
async def test_a_trace_says_why_nothing_was_shown(text, position, answer, outcome, summary):
    editor = await neovim_with(text, answer)
    assert await complete(editor, *position) is None
    (trace,) = await traces_of(editor)
    assert trace["outcome"] == outcome
    assert trace["summary"].startswith(summary)
    assert trace["shown_characters"] == 0


async def test_a_low_confidence_a_prediction_and_a_superseded_request():
    editor = await neovim_with("x = \n", confidence=0.1)
    await complete(editor, 0, 4)
    assert await complete(editor, 0, 4, kind=INVOKED) == "hello()"
    await complete(editor, 0, 4)
    unsure, requested, predicted = await traces_of(editor)
    assert unsure["outcome"] == "low_confidence"
    assert (requested["explicit"], requested["shown_characters"]) == (True, 7)
    assert predicted["summary"] == "shown 7 characters, already predicted"
    assert predicted["tokens"] == {}

    editor = await neovim_with("slow = \n", answer=lambda before, _after: "y" * 1000)
    await editor.start_completion(0, 7, uri="file:///project/src/a.py")
    await complete(editor, 0, 7)
    outcomes = [trace["outcome"] for trace in await traces_of(editor)]
    assert outcomes[0] == "superseded"


async def test_chat_is_traced_and_so_is_its_error():
    editor = InProcess(FakeEngine(lambda *_: "Because."))
    await editor.initialize(options={"chat": {"model": "/models/chat"}})
    question = {"role": "user", "content": "Why is secret_name?"}
    await editor.request("midspan/chat", {"messages": [question]})
    reference = {"uri": "file:///elsewhere/a.py"}
    with pytest.raises(ResponseError):
        await editor.request("midspan/chat", {"messages": [question | {"references": [reference]}]})
    answered, refused = await traces_of(editor)
    assert (answered["kind"], answered["outcome"]) == ("chat", "answered")
    assert set(answered["ms"]) >= {"load", "pack", "engine", "total"}
    assert refused["outcome"] == "failed"
    assert "secret_name" not in json.dumps([answered, refused])


async def test_an_action_is_traced_by_its_kind():
    editor = await neovim_with("def double(a):\n    pass\n", "return 2 * a")
    actions = await actions_at(editor, (0, 4), uri="file:///project/src/a.py")
    await resolve(editor, actions["refactor.rewrite.midspan.body"])
    (trace,) = await traces_of(editor)
    assert (trace["kind"], trace["path"]) == ("refactor.rewrite.midspan.body", "src/a.py")
    assert trace["outcome"] == "shown"
    assert trace["packed"]
    assert trace["tokens"]["decode"] == len("return 2 * a")


async def test_a_request_gets_the_newest_traces_after_an_id_up_to_the_limit():
    editor = await neovim_with("x = \n")
    for _ in range(4):
        await complete(editor, 0, 4)
    assert [trace["id"] for trace in await traces_of(editor)] == [1, 2, 3, 4]
    assert [trace["id"] for trace in await traces_of(editor, limit=2)] == [3, 4]
    assert [trace["id"] for trace in await traces_of(editor, after=3)] == [4]
    assert await traces_of(editor, limit=0) == []
    for wrong in ({"limit": -1}, {"after": "x"}, {"limit": True}):
        with pytest.raises(ResponseError, match="whole number"):
            await traces_of(editor, **wrong)


async def test_old_traces_make_room_and_ids_go_on():
    traces = Traces()
    for _ in range(1000):
        traces.add(Record("chat"), "an editor")
    kept = traces.newest(limit=1000)
    assert len(kept) == 300
    assert kept[-1].id == 1000


async def test_waiting_for_news_ends_with_the_next_trace():
    traces = Traces()
    waiting = asyncio.ensure_future(traces.wait_for_news(after=0, timeout_s=WAIT_S))
    await asyncio.sleep(0)
    assert not waiting.done()
    traces.add(Record("chat"), "an editor")
    await waiting
    await traces.wait_for_news(after=0, timeout_s=WAIT_S)
    await traces.wait_for_news(after=1, timeout_s=0)


@pytest.fixture
def here(monkeypatch):
    with place(monkeypatch) as found:
        yield found


def midspan(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lsp_server.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * WAIT_S)


async def test_the_command_line_shows_the_requests_of_all_editors(here):
    with pytest.raises(MidspanError, match="does not run"):
        show_traces(None, None, follow=False, as_json=True)
    async with here.relay() as one, here.relay() as two:
        for editor, name in ((one, "Emacs"), (two, "Neo\x1b[2Jvim")):
            await editor.initialize(client={"name": name})
            await editor.open("x = \n", uri="file:///project/src/a%1b%5b31m.py")
            await editor.complete(0, 4, uri="file:///project/src/a%1b%5b31m.py")
        listed = midspan("trace").stdout
        header, first, second = listed.splitlines()
        assert header.split() == ["id", "time", "ms", "tokens", "reused", "editor", "request"]
        assert "Emacs" in first
        assert "src/a\ufffd[31m.py:1:5: shown 7 characters" in first
        assert "\x1b" not in listed
        assert midspan("trace", "--limit", "1").stdout == f"{header}\n{second}\n"
        traces = [json.loads(line) for line in midspan("trace", "--json").stdout.splitlines()]
        assert [trace["id"] for trace in traces] == [1, 2]
        whole = midspan("trace", "2").stdout
        assert "before the cursor" in whole
        assert "in the prompt" in whole
        with pytest.raises(DocumentError, match="no request 7"):
            show_traces(7, None, follow=False, as_json=False)


async def test_following_goes_on_in_the_next_daemon(here):
    async with here.relay() as editor:
        await editor.initialize()
        await editor.open("x = \n")
        await editor.complete(0, 4)
        command = [sys.executable, "-m", "lsp_server.cli", "trace", "--follow", "--json"]
        follower = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        assert follower.stdout
        try:
            for expected in (1, 2, 1):
                line = await asyncio.wait_for(follower.stdout.readline(), 2 * WAIT_S)
                assert json.loads(line)["id"] == expected
                if expected == 2:
                    here.processes()[0].kill()
                    await until(lambda: here.daemon_status(), "no new daemon")
                await editor.complete(0, 4)
        finally:
            follower.kill()
            await follower.wait()


async def test_status_lists_editors_models_and_indexes(here, tmp_path):
    (tmp_path / "a.py").write_text("def area(): pass\n")
    async with here.relay() as editor:
        await editor.initialize(root=tmp_path.as_uri(), client={"name": "Helix"})
        await editor.open("x = \n", uri=(tmp_path / "a.py").as_uri())
        await editor.complete(0, 4, uri=(tmp_path / "a.py").as_uri())

        def index() -> dict[str, Any]:
            (found,) = here.daemon_status()["indexes"]
            return found if found["is_settled"] and found["files"] else {}

        assert (await until(index, "the workspace is not indexed"))["definitions"] == 1
        status = json.loads(midspan("status", "--json").stdout)
        assert status["editors"] == [
            {"name": "Helix", "roots": [str(tmp_path)], "documents": 1, "untrusted_models": [], "running_requests": 0}
        ]
        (model,) = status["models"]
        assert (model["name"], model["for"], model["ready"]) == ("fake", ["completion"], True)
        assert (model["pages_total"], model["pages_free"]) == (100, 100)
        words = midspan("status").stdout
        assert f"Helix in {tmp_path}, 1 document open" in words
        assert f"{tmp_path}: 1 file, 1 definition" in words
        assert "fake for completion, in 1 session: ready" in words
