"""A completion's request has drafts; they are made of the documents, the repository and earlier outputs."""

from dataclasses import replace

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.packer import ContextPacker
from context.prompt.pack import PackedFile
from context.secrets.masking import make_placeholder
from inference.api import Draft
from lsp_server.completion.build_request import PromptSource, build_quick_request, build_request
from lsp_server.completion.find_drafts import find_drafts, stands_alone
from lsp_server.completion.ghost_text.predictions import Predictions
from lsp_server.settings.values import CompletionSettings
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import INVOKED, InProcess

KEY = "AKIAZ7QX2M4N8P6R3T5V"


def at(marked: str, *others: str) -> Snapshot:
    before, after = marked.split("|")
    documents = tuple(Document(f"other{n}.py", text, "python", 1) for n, text in enumerate(others))
    return Snapshot(Document("a.py", before + after, "python", 1), len(before), documents)


def texts(drafts: tuple[Draft, ...], source: str) -> list[str]:
    return ["".join(map(chr, draft.tokens)) for draft in drafts if draft.source == source]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(lambda *_: "hello()")


def test_the_open_documents_are_drafts_without_their_secrets(engine: FakeEngine) -> None:
    drafts = find_drafts(engine, at(f"x = 1\n|\nkey = '{KEY}'\n", "y = 2\n"), ContextPacker(None), (), "", 1)
    assert texts(drafts, "document") == ["x = 1\n", f"\nkey = '{make_placeholder(KEY)}'\n", "y = 2\n"]


def test_an_open_document_that_a_rule_excludes_is_no_draft(engine: FakeEngine) -> None:
    """A model that copies would write it."""
    others = (Document(".env", "PLANET = mars\n", "plaintext", 1), Document("b.py", "y = 2\n", "python", 1))
    drafts = find_drafts(engine, Snapshot(at("x = |").document, 4, others), ContextPacker(None), (), "", 1)
    assert texts(drafts, "document") == ["x = ", "", "y = 2\n"]


def test_only_whole_lines_around_the_cursor_are_drafts(engine: FakeEngine) -> None:
    drafts = find_drafts(engine, at("a line\n" * 5000 + "|" + "z" * 50_000), ContextPacker(None), (), "", 1)
    before, after = texts(drafts, "document")
    assert before == "a line\n" * (len(before) // 7)
    assert 10_000 < len(before) < 20_000
    assert len(after) < 20_000


def test_the_begun_word_stands_before_what_was_predicted(engine: FakeEngine) -> None:
    drafts = find_drafts(engine, at("se|"), ContextPacker(None), ("lf.x\nself.y",), "se", 1)
    assert texts(drafts, "prediction") == ["self.x"]
    several = find_drafts(engine, at("se|"), ContextPacker(None), ("lf.x\nself.y",), "se", 8)
    assert texts(several, "prediction") == ["self.x\nself.y"]


@pytest.mark.parametrize(("is_wanted", "copies"), [(True, True), (True, False), (False, True)])
def test_a_request_may_copy_where_the_setting_says_so_and_the_model_has_learned_it(
    engine: FakeEngine, is_wanted: bool, copies: bool
) -> None:
    engine.info = replace(engine.info, copies=copies)
    settings = CompletionSettings(copy=is_wanted)
    for build in (build_request, build_quick_request):
        assert build(engine, at("x = |"), 1, settings, PromptSource())[1].may_copy == (is_wanted and copies)


def test_a_document_beside_which_nothing_is_known_stands_alone(engine: FakeEngine) -> None:
    settings = CompletionSettings()
    assert build_request(engine, at("x = |\n"), 1, settings, PromptSource())[1].stands_alone
    assert not build_request(engine, at("x = |\n", "y = 2\n"), 1, settings, PromptSource())[1].stands_alone
    assert build_quick_request(engine, at("x = |\n", "y = 2\n"), 1, settings, PromptSource())[1].stands_alone
    packed, request = build_request(engine, at("x = |\n"), 1, settings, PromptSource())
    assert not stands_alone(packed, (*request.drafts, Draft("lines", (1,))))
    shown = replace(packed, files=(PackedFile("b.py", "y = 2\n", ""),))
    assert not stands_alone(shown, request.drafts)


def test_a_server_gets_no_drafts(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "info", engine.info.__class__("m", None, "server", (), 4096))
    assert find_drafts(engine, at("x = |"), ContextPacker(None), ("1",), "", 1) == ()


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        ("def f():\n    |\ng()\n", ("return one(x)\n",)),
        ("def f():\n    return |\ng()\n", ("one(x)\n",)),
        ("def f():\n    return om|\ng()\n", ("(x)\n",)),  # something else than predicted: what is behind that word
        ("def f():\n    |\nh()\n", ()),
        ("def g():\n    |\ng()\n", ()),
        ("def f():\n    return one(x) + more|\ng()\n", ()),
        ("def|", ()),
    ],
)
def test_an_output_may_come_again_where_it_was_written(now: str, rest: tuple[str, ...]) -> None:
    predictions = Predictions()
    predictions.remember_output(at("def f():\n    |\ng()\n"), "return one(x)\n")
    assert predictions.outputs_at(at(now)) == rest


def test_the_newest_outputs_come_first_and_the_oldest_are_dropped() -> None:
    predictions = Predictions()
    for number in range(20):
        predictions.remember_output(at("x = |"), f"{number}")
    found = predictions.outputs_at(at("x = |"))
    assert found[:2] == ("19", "18")
    assert len(found) < 10


async def test_what_the_model_wrote_here_is_the_draft_of_the_next_request(engine: FakeEngine) -> None:
    editor = InProcess(engine)
    await editor.initialize(options={"completion": {"look_ahead": False}})
    await editor.open("x = \n")
    await editor.complete(0, 4)
    await editor.change((0, 4), (0, 4), "help")  # not what was predicted
    await editor.complete(0, 8)
    assert texts(engine.requests[-1].drafts, "prediction") == ["()"]
    assert texts(engine.requests[0].drafts, "prediction") == []
    await editor.complete(0, 8, INVOKED)  # a key asks, though the text is known: all of it is the draft
    assert any("hello()" in text for request in engine.requests[2:] for text in texts(request.drafts, "prediction"))
