import json
from pathlib import Path

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from lsp_server.cli.input.place import root_of
from lsp_server.cli.output.ghost_text_view import show_ghost_text
from tests.lsp_server.cli.run_fake import midspan

pytestmark = pytest.mark.usefixtures("no_daemon")

SOURCE = "def area(width, height):\n    # ünïcödé 😀\n    return \n\n\nprint(area(2, 3))\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "area.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_complete_prints_the_text_and_nothing_else(source):
    done = midspan("complete", f"{source}:3:12")
    assert (done.returncode, done.stdout) == (0, "height * width\n")


def test_all_prints_what_a_key_is_given(source):
    done = midspan("complete", f"{source}:3:12", "--all")
    assert (done.returncode, done.stdout) == (0, "height * width\n    # done\n")
    assert midspan("complete", f"{source}:3:9", "--all").stdout.strip()


def test_in_the_middle_of_a_line_nothing_is_printed_unasked(source):
    done = midspan("complete", f"{source}:3:9")
    assert (done.returncode, done.stdout) == (0, "\n")
    assert "midspan: there is no completion here: " in done.stderr


def test_complete_prints_json_with_the_trace(source):
    done = midspan("complete", f"{source}:3:12", "--json")
    answer = json.loads(done.stdout)
    assert (answer["text"], answer["model"]) == ("height * width", "fake")
    names = {
        "prompt_tokens",
        "cached_tokens",
        "prefilled_tokens",
        "ttft_ms",
        "decode_tokens",
        "total_ms",
        "counts",
        "confidence",
        "drafted_tokens",
        "accepted_tokens",
        "moved_tokens",
        "moved_age_tokens",
        "queue_ms",
        "drafts",
        "is_quick",
        "written",
    }
    assert set(answer["trace"]) == names


def test_in_a_secret_the_model_is_not_asked(source):
    source.write_text("api_key = 'aX9'\n", encoding="utf-8")
    for option in ("--show", "--json"):
        done = midspan("complete", f"{source}:1:15", option)
        assert done.stderr.endswith("midspan: there is no completion here: the cursor is in a secret.\n")
    assert json.loads(done.stdout) == {"text": "", "others": [], "model": "fake", "trace": None}


def test_show_prints_the_file_around_the_cursor_with_the_fill_marked(source):
    done = midspan("complete", f"{source}:3:12", "--show", "--all")
    assert "3 +     return «height * width»\n4 + «    # done»\n" in done.stdout
    assert "7   print(area(2, 3))\n" in done.stdout
    assert "tokens/s" in done.stdout.splitlines()[-1]
    assert "\x1b" not in done.stdout  # it is not a terminal


def test_nothing_to_fill_in_is_said_on_stderr(source):
    source.write_text("\nheight * width\n    # done\n")
    done = midspan("complete", f"{source}:1:1")
    assert (done.returncode, done.stdout) == (0, "\n")
    assert "midspan: there is no completion here: the model only repeats what is there.\n" in done.stderr


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("area.py:9:1", "has no line 9: it has 7"),
        ("area.py:3:99", "has no column 99 in line 3: the last one is 12"),
        ("area.py:0:1", "lines and columns count from 1"),
        ("area.py:3", "is not FILE:LINE:COL"),
        ("area.py:a:b", "is not FILE:LINE:COL"),
        ("missing.py:1:1", "does not exist"),
        (".:1:1", "is a folder"),
        ("binary.py:1:1", "is binary"),
        ("latin.py:1:1", "is not UTF-8"),
        ("large.py:1:1", "is larger than 4 MB"),
    ],
)
def test_bad_input_is_one_line_that_names_it_and_exit_code_1(source, place, message):
    source.with_name("binary.py").write_bytes(b"a\0b")
    source.with_name("latin.py").write_bytes("é".encode("latin-1"))
    source.with_name("large.py").write_bytes(b"#" * (5 << 20))
    done = midspan("complete", f"{source.parent}/{place}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("midspan: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_model_that_does_not_load_is_one_line_and_exit_code_1(source):
    done = midspan("complete", f"{source}:1:1", "--model", "/models/x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "midspan: the folder is empty. Fetch the model."
    assert "Traceback" not in done.stderr


def test_a_fill_is_grey_on_a_terminal_and_cannot_steer_it():
    snapshot = Snapshot(Document("a.py", "x = \ny = 2\n", "python", 1), 4)
    assert "1 + x = \x1b[90m1\x1b[0m\n2   y = 2" in show_ghost_text(snapshot, "1", in_grey=True)
    assert "\x1b" not in show_ghost_text(snapshot, "\x1b[2J", in_grey=False)


def test_nothing_to_fill_in_marks_no_line():
    snapshot = Snapshot(Document("a.py", "x = 1\n", "python", 1), 5)
    assert "+" not in show_ghost_text(snapshot, "", in_grey=False)


def test_the_root_is_the_repository(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    assert root_of(tmp_path / "src" / "a.py") == tmp_path


def test_where_completion_is_off_the_model_is_not_asked(source):
    (source.parent / "midspan.toml").write_text("[completion]\nenabled = false\n")
    done = midspan("complete", f"{source}:3:12", "--all")
    assert (done.returncode, done.stdout) == (0, "\n")
    assert "completion is off" in done.stderr
