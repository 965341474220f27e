"""Prompts of a remote engine: their files, their length, their control tokens; and output that comes in any pieces."""

import random
from pathlib import Path

import pytest

from inference.api import ContextFile, Message, Prompt
from inference.remote.output import Output
from inference.remote.prompt import ChatPrompt, HolePrompt, with_files
from inference.remote.spelling import CONTROL, defuse, spell_hole
from inference.remote.token_estimate import estimate_tokens

ROOT = Path(__file__).parents[3]


def test_only_equal_prompts_have_the_same_identity():
    messages = (Message("system", "s"), Message("user", ""), Message("assistant", "😀"), Message("user", "q"))
    prompts: list[Prompt] = [
        HolePrompt("a\n", "é😀"),
        HolePrompt("a\né", "😀"),
        HolePrompt("", ""),
        ChatPrompt(messages),
        ChatPrompt(messages[:-1]),
        ChatPrompt((Message("user", "s"), *messages[1:])),
        ChatPrompt((Message("system", "\ud800"),)),
    ]
    assert len({prompt.identity.encode() for prompt in prompts}) == len(prompts)
    assert ChatPrompt(messages).identity == ChatPrompt(tuple(messages)).identity


def test_a_prompt_has_the_tokens_of_its_texts():
    assert HolePrompt("a b", "c").num_tokens == estimate_tokens("a b") + estimate_tokens("c")
    chat = ChatPrompt((Message("system", "a b"), Message("user", "c")))
    assert chat.num_tokens == estimate_tokens("a b") + estimate_tokens("c")


def test_files_begin_the_one_system_message():
    files = (ContextFile("b.py", "x = 1\n", "# b.py\n"), ContextFile("c.py", "y = 2\n", "# c.py\n"))
    shown = "# b.py\nx = 1\n\n# c.py\ny = 2\n"
    system, ask = Message("system", "Be brief."), Message("user", "Hi")
    assert with_files([ask], files) == [Message("system", shown), ask]
    assert with_files([system, ask], files) == [Message("system", f"{shown}\nBe brief."), ask]
    assert with_files([system, ask], ()) == [system, ask]


def test_the_next_character_leaves_the_prompt_before_it_as_it_was():
    (shorter, _), (longer, _) = spell_hole("qwen", "abc", "z"), spell_hole("qwen", "abcd", "z")
    before, after = shorter.split("abc")
    assert longer == f"{before}abcd{after}"


def test_the_estimate_is_near_what_a_tokenizer_counts(model_folder):
    code = (ROOT / "inference" / "local_engine.py").read_text(encoding="utf-8")
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


def test_half_a_surrogate_pair_is_sent_as_a_replacement_character():
    assert defuse("a\ud800b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("text", "max_lines", "shown", "reason"),
    [
        ("a + b", None, "a + b", None),
        ("a <| b |> c\n", None, "a <| b |> c\n", None),
        ("if a <fi", None, "if a <fi", None),
        ("x: Array<\n    T>", None, "x: Array<\n    T>", None),
        ("a <|\nb", None, "a <|\nb", None),
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
