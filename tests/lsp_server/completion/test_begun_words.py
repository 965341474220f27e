"""Typing within a word, with the built-in model: what it is asked, what that costs, and what comes out."""

import asyncio
import re

import pytest

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import Request
from inference.local_engine import LocalEngine
from inference.prompts.prompt import read_tokens
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.completion.outputs.candidates import generate_several
from lsp_server.server.generate import Generated, generate
from lsp_server.settings.values import CompletionSettings

SUFFIX = "\n\n\ndef main():\n    print(total([1, 2, 3]))\n"
PREFIXES = [
    "def total(numbers):\n    result = 0\n    for number in numbers:\n        result += number\n   ",
    "import os\n\n\ndef read(path):\n    if os.path.exists(path):\n        with open(path) as file:\n           ",
    "class Point:\n    def __init__(self, x, y):\n        self.x =",
    "import logging\n\nlogger = logging.",
    "\n",
]


def write(engine: LocalEngine, request: Request) -> Generated:
    return asyncio.run(generate(engine, request))


def snapshot_at(prefix: str) -> Snapshot:
    return Snapshot(Document("a.py", prefix + SUFFIX, "python", version=0), len(prefix))


def request_at(engine: LocalEngine, prefix: str) -> Request:
    return build_request(engine, snapshot_at(prefix), 1, CompletionSettings(), PromptSource())[1]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_who_types_the_word_that_the_model_would_write_is_shown_the_rest_of_the_same_line(
    prefix: str, built_in: LocalEngine
) -> None:
    """The prompt ends before the word, whole, and what would come is among what may come."""
    prompt = built_in.fim_prompt("", prefix, SUFFIX)
    line = write(built_in, Request(prompt, 40, max_lines=1)).text
    word = re.match(r" ?[A-Za-z]*", line)
    assert word is not None
    for end in range(1, len(word.group()) + 1):
        begun = built_in.begun_word(prefix + line[:end])
        assert begun == line[:end]
        healed = write(built_in, Request(prompt, 40, max_lines=1, begins_with=begun))
        assert line[:end] + healed.text == line


def test_a_word_that_is_typed_leaves_the_prompt_as_it_is(built_in: LocalEngine) -> None:
    prefix = PREFIXES[0] + " "
    first = request_at(built_in, prefix)
    write(built_in, first)
    for end in range(1, len("return") + 1):
        request = request_at(built_in, prefix + "return"[:end])
        assert request.prompt == first.prompt
        assert request.begins_with == " return"[: end + 1]
        trace = write(built_in, request).trace
        assert trace is not None
        assert (trace.prefilled_tokens, trace.cached_tokens) == (1, first.prompt.num_tokens - 1)


def test_the_prompt_and_the_begun_word_are_the_text_before_the_cursor(built_in: LocalEngine) -> None:
    """The built-in model is asked in the order SPM: the prompt ends with what stands before the cursor."""
    for end in range(len(PREFIXES[1])):
        prefix = PREFIXES[1][:end]
        request = request_at(built_in, prefix)
        assert (built_in.tokenizer.decode(read_tokens(request.prompt)) + request.begins_with).endswith(
            f"# a.py\n{prefix}"
        )


def test_each_of_several_candidates_goes_on_from_the_begun_word(built_in: LocalEngine) -> None:
    prefix = PREFIXES[0] + " ret"
    request = request_at(built_in, prefix)
    generated = asyncio.run(generate_several(built_in, request, snapshot_at(prefix)))
    assert write(built_in, request).text.startswith(generated[0].text)  # it may be seen to repeat itself
    assert all(found.finish_reason not in ("error", "cancelled") for found in generated)
