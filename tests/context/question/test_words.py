"""The words and the mentions of a question."""

import pytest

from context.question.mentions import mention_of_path, mentions_in
from context.question.words import QuestionWords


def weights(text: str) -> dict[str, float]:
    return {name.name: name.weight for name in QuestionWords(text).names}


def test_what_looks_like_code_is_surely_a_name():
    found = weights("Does `route` or url_for, getItem, Flask.run or close() call HTTPServer?")
    assert {name for name, weight in found.items() if weight == 1} == {
        "route", "url_for", "getItem", "run", "close", "HTTPServer",
    }  # fmt: skip
    assert found["Flask"] < 1


def test_a_capital_within_a_sentence_is_likelier_a_name_than_a_word():
    found = weights("Session data: is the Router a session? Blueprint?")
    assert found["Router"] > found["Session"] == found["session"] == found["Blueprint"]


def test_the_words_of_every_question_are_no_names():
    assert weights("How does this function work, and where is it used? Explain the class.") == {}


def test_words_are_searched_without_their_endings():
    forms = QuestionWords("How are signed cookies matched?").terms
    assert {"sign", "signed"} in [form & {"sign", "signed"} for form in forms]
    assert any("match" in form for form in forms)
    assert not any("how" in form for form in forms)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Explain @src/app.py, please", ["src/app.py"]),
        ("(@app.py)", ["app.py"]),
        ("@App.run.", ["App.run"]),
        ('@"my notes.md"?', ["my notes.md"]),
        ("@file:a.py @folder:src @symbol:run", ["a.py", "src", "run"]),
        ("@src/ and @src/", ["src/"]),
        ("mail me@example.org or `@route` or a@b", []),
        ("```\n@app.route('/')\n```\nWhy?", []),
        ("@ @. @/", []),
        ("@src\\app.py", ["src/app.py"]),
    ],
)
def test_mentions_stand_where_a_word_begins_and_not_in_code(text, names):
    assert [mention.name for mention in mentions_in(text)] == names


def test_the_kind_and_the_file_of_a_mention():
    file, symbol = mentions_in("@file:a.py @src/a.py#App.run")
    assert (file.kind, file.inside) == ("file", "")
    assert (symbol.kind, symbol.name, symbol.inside) == ("symbol", "App.run", "src/a.py")


@pytest.mark.parametrize("path", ["src/app.py", "my notes.md", "app/[id]/page.tsx", "src/", "Größe.py", "a,b.py"])
def test_the_mention_of_a_path_is_read_as_that_path(path):
    (mention,) = mentions_in(f"See {mention_of_path(path)}.")
    assert mention.name == path
