"""Prompts as code points, what is said for a control token, and output that comes in any pieces."""

import random
from pathlib import Path

import pytest

from inference.api import ContextFile, Message
from inference.remote.characters import Hole, chat_prompt, estimate_tokens, hole_prompt, read_prompt, with_files
from inference.remote.output import Output
from inference.remote.spelling import CONTROL, defuse

ROOT = Path(__file__).parents[3]


def test_a_prompt_is_read_as_it_was_written():
    assert read_prompt(hole_prompt("a\n", "é😀")) == Hole("a\n", "é😀")
    assert read_prompt(hole_prompt("", "")) == Hole("", "")
    messages = (Message("system", "s"), Message("user", ""), Message("assistant", "😀"), Message("user", "q"))
    assert read_prompt(chat_prompt(messages)) == messages


def test_files_begin_the_one_system_message():
    files = (ContextFile("b.py", "x = 1\n", "# b.py\n"), ContextFile("c.py", "y = 2\n", "# c.py\n"))
    shown = "# b.py\nx = 1\n\n# c.py\ny = 2\n"
    system, ask = Message("system", "Be brief."), Message("user", "Hi")
    assert with_files([ask], files) == [Message("system", shown), ask]
    assert with_files([system, ask], files) == [Message("system", f"{shown}\nBe brief."), ask]
    assert with_files([system, ask], ()) == [system, ask]


def test_the_next_character_leaves_the_prompt_before_it_as_it_was():
    shorter, longer = hole_prompt("abc", "z"), hole_prompt("abcd", "z")
    assert longer[:4] == shorter[:4]


def test_the_estimate_is_near_what_a_tokenizer_counts(model_folder):
    code = (ROOT / "inference" / "engine.py").read_text(encoding="utf-8")
    # The vocabularies of DeepSeek and Qwen make 3.2 to 4.2 bytes a token of Python.
    assert len(code) / 4.2 < estimate_tokens(code) < len(code) / 2.2


@pytest.mark.parametrize(
    "text", ["x <| y |> z", "a <|> b", "<|", "if a <f and b > c:", "<b>bold</b>", "<| spaced |>", "List<fim>"]
)
def test_code_that_only_looks_like_a_control_token_is_sent_as_it_is(text):
    assert defuse(text) == text


def test_no_text_is_a_control_token_after_it_was_defused():
    draw = random.Random(5)
    for _ in range(3000):
        text = "".join(draw.choices(["<", "|", "｜", ">", "fim_", "a", "<|fim_prefix|>", " "], k=12))
        assert not CONTROL.search(defuse(text))


@pytest.mark.parametrize(
    ("text", "max_lines", "shown", "reason"),
    [
        ("a + b", None, "a + b", None),
        ("a <| b |> c\n", None, "a <| b |> c\n", None),
        ("if a <fi", None, "if a <fi", None),
        ("one<|endoftext|>two", None, "one", "eos"),
        ("one<｜end▁of▁sentence｜>", None, "one", "eos"),
        ("one<|fim_prefix|>two", None, "one", "fim"),
        ("one<fim_middle>two", None, "one", "fim"),
        ("one\ntwo\nthree", 2, "one\ntwo", "lines"),
        ("\n", 1, "", "lines"),
        ("one\n<|endoftext|>", 1, "one", "lines"),
        ("one<|endoftext|>\n", 1, "one", "eos"),
        ("half \ud83d", None, "half \ufffd", None),
    ],
)
def test_output_is_cut_alike_whatever_pieces_it_comes_in(text, max_lines, shown, reason):
    draw = random.Random(7)
    for _ in range(50):
        output = Output(max_lines, fills=True)
        seen, ended, start = "", None, 0
        while start < len(text) and ended is None:
            end = start + draw.randint(1, 6)
            piece, ended = output.push(text[start:end])
            seen, start = seen + piece, end
        assert (seen + ("" if ended else output.finish()), ended) == (shown, reason)


def test_a_chat_may_speak_of_control_tokens():
    output = Output(None, fills=False)
    assert output.push("The token <|fim_prefix|> begins") == ("The token <|fim_prefix|> begins", None)
