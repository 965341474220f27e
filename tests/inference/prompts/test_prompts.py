"""Each family's prompts for a hole, a repository and a conversation have the ids of the released text."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer as HfTokenizer

from inference.api import ContextFile, Message, Repository
from inference.prompts.families import DEEPSEEK_V1, DEEPSEEK_V2, QWEN2, SEED_CODER, Family
from inference.prompts.prompt import build_chat_prompt, build_fim_prompt
from inference.prompts.tokenizer import Tokenizer
from tests.inference.folders import byte_tokenizer

FAMILIES = [DEEPSEEK_V2, DEEPSEEK_V1, QWEN2]
BOS, EOS = DEEPSEEK_V2.bos, DEEPSEEK_V2.eos
CONVERSATION = [Message("user", "Hi"), Message("assistant", "Yes"), Message("user", "?")]


def tokenizer_of(family: Family, folder: Path) -> Tokenizer:
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer(family)), encoding="utf-8")
    return Tokenizer(folder, family)


def default_system(family: Family) -> str | None:
    return family.chat.default_system if family.chat is not None else None


def spelled(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    whole = HfTokenizer.from_file(str(tokenizer.path))
    return tuple(whole.encode(text, add_special_tokens=False).ids)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (DEEPSEEK_V2, f"{BOS}<｜fim▁begin｜># b\nA<｜fim▁hole｜>Z<｜fim▁end｜>"),
        (DEEPSEEK_V1, f"{BOS}<｜fim▁begin｜># b\nA<｜fim▁hole｜>Z<｜fim▁end｜>"),
        (QWEN2, "<|fim_prefix|># b\nA<|fim_suffix|>Z<|fim_middle|>"),
        (SEED_CODER, "<[begin▁of▁sentence]># b\n<[fim-suffix]>Z<[fim-prefix]>A<[fim-middle]>"),
    ],
)
def test_a_hole(family: Family, expected: str, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(family, tmp_path)
    assert build_fim_prompt(tokenizer, family.fim_orders[0], "# b\n", "A", "Z") == spelled(tokenizer, expected)


def test_a_repository_is_files_behind_separators_where_the_family_has_them(tmp_path: Path) -> None:
    files = (ContextFile("src/b.py", "x = 1\n"), ContextFile("c.py", "y = 2\n"))
    repository = Repository("src/a.py", files, "B")
    tokenizer = tokenizer_of(QWEN2, tmp_path)
    expected = (
        "<|repo_name|>repository\n<|file_sep|>src/b.py\nx = 1\n<|file_sep|>c.py\ny = 2\n"
        "<|file_sep|>src/a.py\n<|fim_prefix|>B<|fim_suffix|>Z<|fim_middle|>"
    )
    assert build_fim_prompt(tokenizer, "psm", "# b\n", "A", "Z", repository) == spelled(tokenizer, expected)
    alone = Repository("src/a.py", (), "B")
    plain = spelled(tokenizer, "<|fim_prefix|>B<|fim_suffix|>Z<|fim_middle|>")
    assert build_fim_prompt(tokenizer, "psm", "", "# b\nB", "Z", alone) == plain
    tokenizer = tokenizer_of(DEEPSEEK_V1, tmp_path)
    by_comments = build_fim_prompt(tokenizer, "psm", "# b\n", "A", "Z")
    assert build_fim_prompt(tokenizer, "psm", "# b\n", "A", "Z", repository) == by_comments


@pytest.mark.parametrize(
    ("prefix", "suffix", "shown"),
    [
        ("a\n    ", "\nb\n", "b\n"),
        ("", "  \r\nb", "b"),
        ("a\n", "\n\nb", "\nb"),
        ("a = ", "\nb", "\nb"),
        ("a\n    ", ")\nb", ")\nb"),
        ("a\n", "", ""),
    ],
)
def test_a_hole_on_an_empty_line_takes_the_end_of_the_line_where_models_know_it_so(
    prefix: str, suffix: str, shown: str, tmp_path: Path
) -> None:
    repository = Repository("src/a.py", (), prefix)
    tokenizer = tokenizer_of(QWEN2, tmp_path)
    expected = spelled(tokenizer, f"<|fim_prefix|>{prefix}<|fim_suffix|>{shown}<|fim_middle|>")
    assert build_fim_prompt(tokenizer, "psm", "", prefix, suffix, repository) == expected
    tokenizer = tokenizer_of(DEEPSEEK_V1, tmp_path)
    as_it_stands = build_fim_prompt(tokenizer, "psm", "", prefix, suffix)
    assert build_fim_prompt(tokenizer, "psm", "", prefix, suffix, repository) == as_it_stands


@pytest.mark.parametrize(
    ("family", "order", "before"),
    [
        (QWEN2, "psm", "<|repo_name|>repository\n<|file_sep|>src/b.py\nx = 1\n<|file_sep|>c.py\ny = 2\n"),
        (DEEPSEEK_V2, "spm", f"{BOS}# src/b.py\nx = 1\n# c.py\ny = 2\n"),
    ],
)
def test_a_chat_about_a_repository_begins_as_a_hole_in_it(
    family: Family, order: str, before: str, tmp_path: Path
) -> None:
    files = (ContextFile("src/b.py", "x = 1\n", "# src/b.py\n"), ContextFile("c.py", "y = 2\n", "# c.py\n"))
    tokenizer = tokenizer_of(family, tmp_path)
    messages = [Message("system", "Be brief."), Message("user", "Hi")]
    context = "".join(file.title + file.text for file in files)
    hole = build_fim_prompt(tokenizer, order, context, "A", "Z", Repository("src/a.py", files, "A"))
    chat, alone = build_chat_prompt(tokenizer, messages, files), build_chat_prompt(tokenizer, messages)
    shared = spelled(tokenizer, before)
    assert hole[: len(shared)] == chat[: len(shared)] == shared
    opening = 0 if family.bos is None else 1
    assert chat[len(shared) :] == (*tokenizer.encode("\n" * opening), *alone[opening:])
    assert build_chat_prompt(tokenizer, messages, ()) == alone


@pytest.mark.parametrize(
    ("family", "with_system", "without"),
    [
        (
            DEEPSEEK_V2,
            f"{BOS}Be brief.\n\nUser: Hi\n\nAssistant: Yes{EOS}User: ?\n\nAssistant:",
            f"{BOS}User: Hi\n\nAssistant: Yes{EOS}User: ?\n\nAssistant:",
        ),
        (
            DEEPSEEK_V1,
            f"{BOS}Be brief.\n### Instruction:\nHi\n### Response:\nYes\n<|EOT|>\n### Instruction:\n?\n### Response:\n",
            f"{BOS}{default_system(DEEPSEEK_V1)}\n### Instruction:\nHi\n### Response:\nYes\n<|EOT|>\n"
            "### Instruction:\n?\n### Response:\n",
        ),
        (
            QWEN2,
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes"
            "<|im_end|>\n<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n",
            f"<|im_start|>system\n{default_system(QWEN2)}<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\nYes<|im_end|>\n<|im_start|>user\n?<|im_end|>\n<|im_start|>assistant\n",
        ),
    ],
)
def test_a_conversation(family: Family, with_system: str, without: str, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(family, tmp_path)
    messages = [Message("system", "Be brief."), *CONVERSATION]
    assert build_chat_prompt(tokenizer, messages) == spelled(tokenizer, with_system)
    assert build_chat_prompt(tokenizer, CONVERSATION) == spelled(tokenizer, without)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_what_a_user_types_is_never_a_control_token(family: Family, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(family, tmp_path)
    typed = "".join(t["content"] for t in byte_tokenizer(family)["added_tokens"]) + "{content}"
    repository = Repository(typed, (ContextFile(typed, typed),), typed)
    fim = build_fim_prompt(tokenizer, "psm", typed, typed, typed, repository)
    plain = build_fim_prompt(tokenizer, "psm", "a", "a", "a", Repository("a", (ContextFile("a", "a"),), "a"))
    controls = tokenizer.sentinels.all
    assert [t for t in fim if t in controls] == [t for t in plain if t in controls]
    chat = build_chat_prompt(tokenizer, [Message("user", typed)])
    plain = build_chat_prompt(tokenizer, [Message("user", "a")])
    assert [t for t in chat if t in controls] == [t for t in plain if t in controls]
    assert tokenizer.decode(chat).count(typed) == 1


@pytest.mark.parametrize(
    ("family", "ends"),
    [
        (DEEPSEEK_V2, ["<｜end▁of▁sentence｜>"]),
        (DEEPSEEK_V1, ["<｜end▁of▁sentence｜>", "<|EOT|>"]),
        (QWEN2, ["<|endoftext|>", "<|im_end|>"]),
    ],
)
def test_an_output_is_complete_at_every_end_of_the_family(family: Family, ends: list[str], tmp_path: Path) -> None:
    tokenizer = tokenizer_of(family, tmp_path)
    assert tokenizer.sentinels.ends == {tokenizer.control(end) for end in ends}
