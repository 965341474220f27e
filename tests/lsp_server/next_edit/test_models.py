"""A model writes next edits where no rule is sure: one that was trained for them, or any that fills holes."""

from collections.abc import Callable

import pytest

from inference.edit_window import EditPrompt, EditWindow
from inference.prompts.prompt import TokenPrompt
from tests.fake_engine import END, HOLE, FakeEngine, read_prompt
from tests.lsp_server.client import INVOKED, InProcess
from tests.lsp_server.in_process import editor_with, last_trace
from tests.lsp_server.next_edit.conftest import SetRules
from tests.lsp_server.next_edit.editing import NO_PAUSE, apply, ask, place, replace_words

TEXT = "import a\n\ndef f(old):\n    x = 1\n    return old\n\nf(3)\n"


class TrainedEngine(FakeEngine):
    """An engine that writes the window anew by a function of the test, and keeps the windows."""

    def __init__(self, rewrite: Callable[[EditWindow], str], confidence: float = 0.9) -> None:
        super().__init__(lambda _before, _after: self._output, confidence=confidence)
        self.windows: list[EditWindow] = []
        self._rewrite = rewrite
        self._output = ""

    @property
    def edit_window_lines(self) -> tuple[int, int] | None:
        return 2, 2

    def edit_prompt(self, window: EditWindow) -> EditPrompt:
        self.windows.append(window)
        self._output = self._rewrite(window)
        return EditPrompt(TokenPrompt((*self.tokenizer.encode(window.current), HOLE, END)), lambda output: output)


def nothing(*_arguments: object) -> tuple[()]:
    return ()


async def edited(engine: FakeEngine, text: str = TEXT) -> InProcess:
    """Return an editor in which the user has just renamed the parameter."""
    editor, _ = await editor_with(text, engine=engine, pauses=NO_PAUSE)
    await editor.change((2, 6), (2, 9), "new")
    return editor


async def test_a_trained_model_writes_the_window_around_the_cursor_anew(rules: SetRules):
    rules.are(nothing)
    engine = TrainedEngine(lambda window: window.current.replace("old", "new"))
    editor = await edited(engine)
    (edit,) = await ask(editor, 2, 9)
    assert (place(edit), edit["text"], edit["why"]) == (("a.py", 4, 0), "    return new\n", "fake")
    window = engine.windows[0]
    assert (window.path, window.first_line, window.last_line) == ("a.py", 1, 5)
    assert window.current[: window.cursor].endswith("def f(new")
    assert window.before == "import a\n\ndef f(old):\n    x = 1\n    return old\n"
    assert (window.above, window.below) == ("", "\nf(3)\n")
    assert [(change.before, change.after) for change in window.changes] == [("def f(old):\n", "def f(new):\n")]
    assert engine.requests[0].background
    assert engine.requests[0].drafts[0].source == "edit"
    await apply(editor, edit)
    assert await ask(editor, 4, 14) == []
    assert editor.server.session.documents.document("file:///project/a.py").text.count("old") == 0


async def test_a_model_is_not_asked_where_a_rule_is_sure_and_a_key_asks_in_the_foreground(rules: SetRules):
    engine = TrainedEngine(lambda window: window.current.replace("1", "2"))
    editor = await edited(engine)
    assert [place(edit) for edit in await ask(editor, 2, 9)] == [("a.py", 4, 11)]
    assert engine.windows == []
    rules.are(nothing)
    assert len(await ask(editor, 2, 9, kind=INVOKED)) == 1
    assert not engine.requests[0].background


async def test_an_output_that_stops_early_or_keeps_little_is_dropped(rules: SetRules):
    rules.are(nothing)
    for rewrite in (lambda window: "import a\n", lambda window: "x\n" * 5, lambda window: window.current[:-15]):
        editor = await edited(TrainedEngine(rewrite))
        assert await ask(editor, 2, 9, kind=INVOKED) == []


async def test_an_unsure_model_is_quiet_and_one_that_changes_nothing_too(rules: SetRules):
    rules.are(nothing)
    editor = await edited(TrainedEngine(lambda window: window.current.replace("old", "new"), confidence=0.3))
    assert await ask(editor, 2, 9) == []
    assert (await last_trace(editor))["outcome"] == "low_confidence"
    assert len(await ask(editor, 2, 9, kind=INVOKED)) == 1
    editor = await edited(TrainedEngine(lambda window: window.current))
    assert await ask(editor, 2, 9, kind=INVOKED) == []
    assert (await last_trace(editor))["outcome"] == "no_edit"


async def test_what_the_user_typed_is_not_taken_back_by_a_model(rules: SetRules):
    rules.are(nothing)
    editor = await edited(TrainedEngine(lambda window: window.before))
    assert await ask(editor, 2, 9, kind=INVOKED) == []


async def test_a_model_sees_placeholders_for_secrets_and_its_edits_have_the_secrets(rules: SetRules):
    rules.are(nothing)
    secret = "AKIA" + "Q7RT3ZXN5WBL2KDM"
    engine = TrainedEngine(lambda window: window.current.replace("x = 1", "x = 2").replace("key", "the_key"))
    editor = await edited(engine, TEXT.replace("    x = 1\n", f'    key = "{secret}"; x = 1\n'))
    (edit,) = await ask(editor, 2, 9, kind=INVOKED)
    assert secret not in engine.windows[0].current
    assert edit["text"] == f'    the_key = "{secret}"; x = 2\n'


async def test_a_secret_that_the_line_above_names_is_masked_in_the_recent_edits_too(rules: SetRules):
    rules.are(nothing)
    old, new = "old-Zq81#kVbm2", "n3w-Yx72!wQrt5"
    engine = TrainedEngine(lambda window: window.current)
    text = f'- name: DB_PASSWORD\n  value: "{old}"\n- name: PORT\n  value: "80"\n'
    uri = "file:///project/app.yaml"
    editor, _ = await editor_with(text, uri=uri, language="yaml", engine=engine, pauses=NO_PAUSE)
    start = len('  value: "')
    await editor.change((1, start), (1, start + len(old)), new, uri)
    await ask(editor, 1, start + len(new), uri=uri, kind=INVOKED)
    (window,) = engine.windows
    assert [change.before != change.after for change in window.changes] == [True]
    changes = (text for one in window.changes for text in (one.before, one.after))
    for part in (window.current, window.before, *changes):
        assert old not in part
        assert new not in part


async def test_an_edit_by_a_model_has_the_line_ends_of_the_document(rules: SetRules):
    rules.are(nothing)
    engine = TrainedEngine(lambda window: window.current.replace("    return old", "    y = 1\n    return new"))
    editor = await edited(engine, TEXT.replace("\n", "\r\n"))
    (edit,) = await ask(editor, 2, 9)
    assert "\r" not in engine.windows[0].current
    assert (place(edit), edit["text"]) == (("a.py", 4, 0), "    y = 1\r\n    return new\r\n")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_line_behind_one_that_has_no_end_is_a_line_of_its_own(rules: SetRules, end: str):
    rules.are(nothing)
    engine = TrainedEngine(lambda window: window.current + "new = 3\n")
    editor, _ = await editor_with(f"a = 1{end}old = 2", engine=engine, pauses=NO_PAUSE)
    await editor.change((0, 0), (0, 1), "b")
    (edit,) = await ask(editor, 0, 1, kind=INVOKED)
    assert (place(edit)[1:], edit["text"]) == ((1, 7), f"{end}new = 3")


async def test_a_form_feed_ends_no_line_of_a_window(rules: SetRules):
    rules.are(nothing)
    engine = TrainedEngine(lambda window: window.current.replace("return old", "return new"))
    editor = await edited(engine, TEXT.replace("    x = 1\n", "\x0c    x = 1\n"))
    (edit,) = await ask(editor, 2, 9)
    assert (place(edit), edit["text"]) == (("a.py", 4, 0), "    return new\n")


DIAGNOSTIC = {
    "range": {"start": {"line": 4, "character": 11}, "end": {"line": 4, "character": 14}},
    "message": 'undefined name "old"',
}


def rewriting(old: str, new: str, confidence: float = 0.95) -> FakeEngine:
    """An engine that was not trained for next edits, and writes a place with this change."""
    return FakeEngine(lambda window, _after: window.replace(old, new), confidence=confidence)


async def test_a_key_has_any_model_write_the_place_that_a_rule_is_not_sure_of(rules: SetRules):
    rules.are(replace_words("old", "new", confidence=0.3))
    engine = rewriting("return old", "return new * 2")
    editor = await edited(engine)
    by_rule, edit = await ask(editor, 2, 9, kind=INVOKED)
    assert (by_rule["text"], place(edit), edit["text"]) == ("new", ("a.py", 4, 0), "    return new * 2\n")
    assert read_prompt(engine.requests[0])[0] == "\ndef f(new):\n    x = 1\n    return old\n\nf(3)\n"
    assert engine.requests[0].drafts[0].source == "edit"


async def test_a_key_has_any_model_write_the_line_of_a_diagnostic(rules: SetRules):
    rules.are(nothing)
    editor = await edited(rewriting("return old", "return new"))
    assert await ask(editor, 2, 9, kind=INVOKED) == []
    found = await ask(editor, 2, 9, kind=INVOKED, diagnostics=[DIAGNOSTIC])
    assert [edit["text"] for edit in found] == ["    return new\n"]


async def test_a_model_that_was_not_trained_for_next_edits_is_not_asked_without_a_key(rules: SetRules):
    rules.are(replace_words("old", "new", confidence=0.3))
    engine = rewriting("return old", "return new", confidence=0.99)
    editor = await edited(engine)
    assert await ask(editor, 2, 9, diagnostics=[DIAGNOSTIC]) == []
    assert not [request for request in engine.requests if request.drafts]


async def test_an_untrained_model_that_does_not_go_on_with_the_users_changes_is_not_heard(rules: SetRules):
    rules.are(nothing)
    editor = await edited(rewriting("x = 1", "y = 2"))
    assert await ask(editor, 2, 9, kind=INVOKED, diagnostics=[DIAGNOSTIC]) == []


async def test_on_a_battery_only_a_key_asks_a_model(rules: SetRules):
    rules.are(nothing)
    engine = TrainedEngine(lambda window: window.current.replace("old", "new"))
    editor = await edited(engine)
    editor.server.battery._ask = lambda: True
    editor.server.battery._asked_s = None
    assert await ask(editor, 2, 9) == []
    assert len(await ask(editor, 2, 9, kind=INVOKED)) == 1


async def test_a_place_that_looks_as_a_changed_one_did_is_rewritten_though_no_rule_is_sure(rules: SetRules):
    rules.are(nothing)
    between = "b = g(2)\n\n\nc = k(3)\nd = h(4)\ne = m(5)\n"
    text = f"size = width = 1\nrun(check(size, 1), 5)\n{between}run(check(size, 1), 6)\nz = n(7)\n"

    class Untrained(TrainedEngine):
        @property
        def edit_window_lines(self) -> tuple[int, int] | None:
            return None

    engine = Untrained(lambda window: window.current.replace("size, 1", "width, 2"), confidence=0.97)
    editor, _ = await editor_with(text, engine=engine, pauses=NO_PAUSE)
    await editor.change((1, 10), (1, 17), "width, 2")
    (edit,) = await ask(editor, 1, 18, kind=INVOKED)
    assert place(edit)[:2] == ("a.py", 8)
    assert edit["text"] == "run(check(width, 2), 6)\n"
    assert "run(check(size, 1), 6)" in engine.windows[0].current
