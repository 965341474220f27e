"""Answers of instruct models. Each file of the folder is one topic, each case an answer and the code in it."""

import ast
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsp_server.actions.rewrites.fenced_code import extract_code

CASES = [
    pytest.param(case, id=f"{path.stem}-{case['why'][:60]}")
    for path in sorted((Path(__file__).parent / "fenced_code_cases").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]


def joined(lines: list[str] | None) -> str | None:
    """Join the lines of a case, which is written line by line for its readers."""
    return None if lines is None else "\n".join(lines)


@pytest.mark.parametrize("case", CASES)
def test_the_code_of_an_answer(case: dict[str, Any]) -> None:
    answer = joined(case["answer"])
    assert answer is not None
    assert extract_code(answer, case["indent"]) == joined(case["code"])


@pytest.mark.parametrize("case", CASES)
def test_line_ends_make_no_difference(case: dict[str, Any]) -> None:
    answer = joined(case["answer"])
    assert answer is not None
    assert extract_code(answer.replace("\n", "\r\n"), case["indent"]) == joined(case["code"])


@pytest.mark.parametrize("case", CASES)
def test_extracted_code_stays_the_same_when_it_is_extracted_again(case: dict[str, Any]) -> None:
    code = joined(case["code"])
    if code is not None:
        assert extract_code(f"~~~~~\n{code}\n~~~~~", case["indent"]) == code


def statements(source: str) -> Iterator[list[str]]:
    """Yield the lines of each compound statement that shares no line; blank lines lose their white space."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.If | ast.For | ast.With | ast.Try):
            continue
        found = [line if line.strip() else "" for line in lines[node.lineno - 1 : node.end_lineno]]
        indent = found[0][: node.col_offset]
        within = all(not line or line.startswith(indent) for line in found)
        if within and not indent.strip() and not found[0].startswith("elif", node.col_offset):
            yield found


def test_real_statements_get_their_indentation_back() -> None:
    library = sorted(Path(json.__file__).parents[1].glob("*.py"))
    asked, wrong = 0, []
    for path in random.Random(5).sample(library, 30):
        for lines in statements(path.read_text(encoding="utf-8")):
            indent = lines[0][: len(lines[0]) - len(lines[0].lstrip(" "))]
            at_the_margin = [line.removeprefix(indent) for line in lines]
            for written in (lines, at_the_margin, [at_the_margin[0], *lines[1:]]):
                asked += 1
                answer = "\n".join(["So:", "```python", *written, "```", "That is it."])
                if extract_code(answer, indent) != "\n".join(lines):
                    wrong.append((path.name, written))
    assert asked > 3000
    assert len(wrong) <= asked // 1000, wrong
