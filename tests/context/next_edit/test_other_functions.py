"""The rule of one example proposes a change that the user made in one function in other functions too."""

import pytest

from tests.context.next_edit.typing_user import TypingUser


@pytest.mark.parametrize(
    ("before", "after", "confidence", "count"),
    [
        ("g(part, key)", "g(part, key, name)", 0.7, 1),
        ("part == 3 and isinstance(part, key.kind)", "part == 3 and key.is_element(part)", 0.9, 1),
        ("part == 3 and isinstance(part, key.kind)", "part == 3 and key.is_element(part)", 0.7, 0),
    ],
)
def test_what_changed_twice_in_one_function_follows_in_others_as_an_insertion_or_a_sure_line(
    before: str, after: str, confidence: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: confidence)
    monkeypatch.setattr("context.next_edit.find_next_edits.find_repeated", lambda *_: [])
    line = f"    assert {before}\n"
    other = f"def two(part, key, name):\n    key.start()\n{line}    key.end()\n"
    user = TypingUser({"a.py": f"def one(part, key, name):\n{line}    key.end()\n{line}    key.end()\n\n\n{other}"})
    for _ in range(2):
        start = user.text.index(line)
        user.become("a.py", start, start + len(line), line.replace(before, after))
    assert len(user.propose()) == count
