"""Inline completion in the real VS Code."""

from tests.e2e.fake_midspan import BODY, WORD
from tests.e2e.vscode import VSCode
from tests.lsp_server.daemons import Place

FACE = "\N{GRINNING FACE}"


def test_typing_brings_ghost_text_and_tab_accepts_it(editor: VSCode):
    file = editor.open("tab.py", "")
    editor.type("value = ")
    editor.see(WORD)
    editor.press("Tab")
    assert editor.saved(file) == f"value = {WORD}"
    editor.until(lambda: f"tab.py: accepted, {len(WORD)} characters" in editor.log(), "the server was not told")


def test_control_right_accepts_a_word(editor: VSCode):
    file = editor.open("word.py", "")
    editor.type("value = ")
    editor.see(WORD)
    editor.press("Control+ArrowRight")
    first, rest = WORD.split(" ")
    editor.until(lambda: editor.ghost_text().strip() == rest, "the rest is not offered")
    assert editor.saved(file) == f"value = {first}"


def test_a_body_is_filled_over_several_lines(editor: VSCode):
    file = editor.open("body.py", "def area(width, height):")
    editor.press("Enter")  # VS Code indents
    editor.until(lambda: "return size" in editor.ghost_text(), "there is no ghost text of two lines")
    editor.press("Tab")
    assert editor.saved(file) == f"def area(width, height):\n    {BODY}".rstrip("\n")


def test_an_emoji_before_the_cursor_moves_nothing(editor: VSCode):
    file = editor.open("emoji.py", f"'{FACE}{FACE}'; value = ")
    editor.type("a")
    editor.see(WORD)
    editor.press("Tab")
    assert editor.saved(file) == f"'{FACE}{FACE}'; value = a{WORD}"


def test_escape_takes_ghost_text_away_and_writes_nothing(editor: VSCode):
    file = editor.open("escape.py", "")
    editor.type("value = ")
    editor.see(WORD)
    editor.press("Escape")
    editor.see("")
    assert editor.saved(file) == "value = "


def test_the_status_shows_off_and_the_server_gets_no_request(editor: VSCode):
    file = editor.open("off.py", "")
    editor.run("Midspan: Toggle Completions")
    editor.until(lambda: "off" in editor.status.inner_text(), "the status does not say that it is off")
    editor.type("value = ")
    assert editor.saved(file) == "value = "
    assert "off.py" not in editor.log()
    assert editor.ghost_text() == ""
    editor.run("Midspan: Toggle Completions")
    editor.until(lambda: "off" not in editor.status.inner_text(), "the status still says that it is off")
    editor.press("Control+End", "Space")
    editor.see(WORD)
    assert "off.py" in editor.log()


def test_a_language_is_switched_off_and_the_others_go_on(editor: VSCode):
    editor.open("lang.py", "")
    editor.run("Midspan: Toggle Completions for This Language")
    editor.until(lambda: "off" in editor.status.inner_text(), "the status does not say that it is off")
    editor.open("lang.js", "")
    editor.until(lambda: "off" not in editor.status.inner_text(), "it is off for another language too")
    editor.put("value = ")
    editor.see(WORD)
    editor.open("lang.py", "")
    editor.run("Midspan: Toggle Completions for This Language")
    editor.until(lambda: "off" not in editor.status.inner_text(), "it stays off")


def test_a_daemon_that_dies_costs_no_text(editor: VSCode, daemon_place: Place):
    file = editor.open("killed.py", "")
    editor.put("value = ")
    editor.see(WORD)
    (daemon,) = daemon_place.processes()
    daemon.kill()
    editor.put("x + ")
    editor.see(WORD)
    editor.press("Tab")
    assert editor.saved(file) == f"value = x + {WORD}"


def test_fast_typing_never_shows_stale_text(editor: VSCode):
    file = editor.open("fast.py", "")
    lines = [f"count {word} " + "abcdefghij" * 3 for word in ("one", "two", "six", "ten", "all")]
    editor.type("count")
    editor.see("<5>")
    editor.sample_frames()
    editor.type("\n".join(lines)[5:], delay_ms=50)
    editor.see(f"<{len(lines[-1])}>")
    frames = editor.sampled_frames()
    shown = [frame for frame in frames if frame["ghost"]]
    assert len(frames) > 100  # the sampler has kept up
    assert len(shown) > 1
    for frame in shown:
        written = frame["text"].removesuffix(frame["ghost"])
        assert any(line.startswith(written) for line in lines)
        assert frame["ghost"] == (f"<{len(written)}>" if written.startswith("count") else WORD)
    editor.press("Escape")
    assert editor.saved(file) == "\n".join(lines)
