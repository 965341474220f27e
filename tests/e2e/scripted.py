"""A project for serve_scripted.py, whose answers a test writes."""

import json
from collections.abc import Mapping
from pathlib import Path

# Every editor is tested with these: the end of the text before the cursor, and the answer there.
ANSWERS = {
    "x = ": "first_word + second.word()",
    "x = first": "_word + second.word()",
    "def area(w, h):\n    ": "total = w * h\n    return total",
    "s = '😀' + ": "name",
    "Why?\n": "Because **it is so**.\n\n```python\nx = 1\n```",
    "Forever?\n": "It goes ENDLESS",
}


def write_answers(folder: Path, answers: Mapping[str, str]) -> None:
    new = folder / "answers.new"
    new.write_text(json.dumps(answers))
    new.replace(folder / "answers.json")  # the server never reads half of it


def scripted_project(folder: Path, answers: Mapping[str, str]) -> Path:
    """Make the folder, which becomes a project with these answers."""
    (folder / ".git").mkdir(parents=True)
    write_answers(folder, answers)
    return folder


def prompts_asked(folder: Path) -> list[str]:
    """Return the text before the cursor of each request to the model, in their order."""
    path = folder / "asked.jsonl"
    # The last line may be half written.
    lines = path.read_text().rpartition("\n")[0].splitlines() if path.exists() else []
    return [json.loads(line)[0] for line in lines]
