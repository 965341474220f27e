"""Text becomes ids and ids text; a sentinel that a user types stays text."""

import json
import random
import resource
import sys
from pathlib import Path

import pytest
from tokenizers import Regex
from tokenizers import Tokenizer as HfTokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFC
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from tokenizers.trainers import BpeTrainer

from inference.api import Message
from inference.local_engine import BUILTIN_MODEL
from inference.prompts import try_tokenizer
from inference.prompts.families import DEEPSEEK_V2, QWEN2
from inference.prompts.prompt import build_chat_prompt, build_fim_prompt
from inference.prompts.split_pattern import find_danger
from inference.prompts.text_stream import TextStream
from inference.prompts.tokenizer import QWEN_SPLIT, Tokenizer
from midspan import ModelError
from tests.inference.folders import byte_tokenizer, sentinels_of

RELEASED = Path(__file__).parents[4] / "shared" / "tokenizers" / "deepseek-coder-v2"
FOLDERS = [
    pytest.param(BUILTIN_MODEL, id="builtin"),
    pytest.param(
        RELEASED,
        id="deepseek-coder-v2",
        marks=pytest.mark.skipif(not RELEASED.exists(), reason="needs the released tokenizer of shared/tokenizers"),
    ),
]
AWKWARD = [
    "",
    "\n",
    "\r\n\r\n",
    "a\r\nb\rc\n",
    "    \n\t\tx = 1  \n   ",
    "日本語 = '🙂é'\n",
    "x\u2028y\x85z\x0cw\n",
    "1234567890\n" * 3,
]


@pytest.fixture(params=FOLDERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer(request.param, DEEPSEEK_V2)


def random_texts(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    pieces = [
        "def f(x):\n",
        "    return x\n",
        "\n",
        "  ",
        "\t",
        "\r\n",
        "é",
        "🙂",
        "foo_bar",
        "(",
        "12",
        "'",
        "#",
        "。",
        "e\u0301",
        "\x0c",
        "\u00a0",
        ";",
        "}\n",
        "\n\n",
        "    \n",
        "-- ",
        "\r",
    ]
    return ["".join(rng.choices(pieces, k=rng.randint(1, 40))) for _ in range(count)]


def test_line_by_line_gives_the_ids_of_the_whole_text(tokenizer: Tokenizer) -> None:
    whole = HfTokenizer.from_file(str(tokenizer.path))
    source = Path(__file__).read_text(encoding="utf-8").replace("｜", "|")  # no sentinel: `whole` would find it
    assert len(tokenizer._pieces(source)) > 100, "one edited line must not cost the whole file"
    for text in [*AWKWARD, *random_texts(1, 1000), source]:
        ids = tokenizer.encode(text)
        assert ids == whole.encode(text, add_special_tokens=False).ids, repr(text)
        assert tokenizer.decode(ids) == text
        assert tokenizer.count(text) == len(ids)


def qwen_like_tokenizer(folder: Path) -> Tokenizer:
    """Qwen's normalizer and pre-tokenizer; the vocabulary is learned from this file, blank lines included."""
    trained = HfTokenizer(BPE())
    trained.normalizer = NFC()
    split = Split(Regex(QWEN_SPLIT), "isolated")
    trained.pre_tokenizer = Sequence([split, ByteLevel(add_prefix_space=False, use_regex=False)])
    texts = [Path(__file__).read_text(encoding="utf-8"), *random_texts(2, 300)]
    controls = sentinels_of(QWEN2)
    trainer = BpeTrainer(
        vocab_size=1500, special_tokens=controls, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    trained.train_from_iterator(texts, trainer)
    trained.save(str(folder / "tokenizer.json"))
    return Tokenizer(folder, QWEN2)


def test_piece_by_piece_gives_the_ids_of_the_whole_text_where_newlines_join_others(tmp_path: Path) -> None:
    tokenizer = qwen_like_tokenizer(tmp_path)
    whole = HfTokenizer.from_file(str(tokenizer.path))
    source = Path(__file__).read_text(encoding="utf-8").replace("<|", "<")
    assert len(tokenizer._pieces(source)) > 100, "one edited line must not cost the whole file"
    for text in [*AWKWARD, *random_texts(3, 1000), source]:
        assert tokenizer.encode(text) == whole.encode(text, add_special_tokens=False).ids, repr(text)


def test_exactly_one_token_holds_a_newline(tokenizer: Tokenizer) -> None:
    with_newline = [t for t in range(tokenizer.vocab_size) if b"\n" in tokenizer.token_bytes(t)]
    assert with_newline == tokenizer.encode("\n")


def test_a_sentinel_in_a_file_stays_text(tokenizer: Tokenizer) -> None:
    family = DEEPSEEK_V2
    for spelling in (family.bos, family.eos, family.fim_begin, family.fim_hole, family.fim_end):
        text = f"x = '{spelling}'\n"
        ids = tokenizer.encode(text)
        assert not tokenizer.sentinels.all & set(ids)
        assert tokenizer.decode(ids) == text


def test_a_stream_hands_out_whole_characters_only(tokenizer: Tokenizer) -> None:
    text = "naïve 日本語 🙂👩‍👩‍👧 end"
    stream = TextStream(tokenizer)
    pieces = [stream.push(token) for token in tokenizer.encode(text)]
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)
    assert stream.finish() == ""


def test_fim_prompts_are_built_from_ids(tokenizer: Tokenizer) -> None:
    fim = tokenizer.sentinels.fim
    assert fim is not None
    bos, encode = tokenizer.sentinels.bos, tokenizer.encode
    context, prefix, suffix = "# a.py\nx = 1\n", "# b.py\ndef f(", "):\n"
    psm = build_fim_prompt(tokenizer, "psm", context, prefix, suffix)
    assert list(psm) == [bos, fim.begin, *encode(context), *encode(prefix), fim.hole, *encode(suffix), fim.end]
    spm = build_fim_prompt(tokenizer, "spm", context, prefix, suffix)
    assert list(spm) == [bos, *encode(context), fim.hole, *encode(suffix), fim.begin, *encode(prefix), fim.end]


def test_released_fim_and_chat_prompts_have_the_released_ids() -> None:
    if not RELEASED.exists():
        pytest.skip("needs the released tokenizer of shared/tokenizers")
    tokenizer = Tokenizer(RELEASED, DEEPSEEK_V2)
    prompt = build_fim_prompt(tokenizer, "psm", "", "a\n", "b")
    assert prompt == (100000, 100003, 64, 185, 100002, 65, 100004)
    messages = [
        Message("system", "Be brief."),
        Message("user", "Hi"),
        Message("assistant", "Yes"),
        Message("user", "?"),
    ]
    released = HfTokenizer.from_file(str(RELEASED / "tokenizer.json"))
    text = f"{DEEPSEEK_V2.bos}Be brief.\n\nUser: Hi\n\nAssistant: Yes{DEEPSEEK_V2.eos}User: ?\n\nAssistant:"
    assert list(build_chat_prompt(tokenizer, messages)) == released.encode(text, add_special_tokens=False).ids


def write(folder: Path, definition: object) -> Path:
    (folder / "tokenizer.json").write_text(json.dumps(definition), encoding="utf-8")
    return folder


def test_a_tokenizer_without_fim_sentinels_cannot_fill_and_says_so(tmp_path: Path) -> None:
    definition = byte_tokenizer()
    definition["added_tokens"] = definition["added_tokens"][:2]
    tokenizer = Tokenizer(write(tmp_path, definition), DEEPSEEK_V2)
    with pytest.raises(ModelError, match="has no FIM sentinels"):
        build_fim_prompt(tokenizer, "psm", "", "a", "b")


def test_a_look_alike_sentinel_is_not_taken(tmp_path: Path) -> None:
    definition = byte_tokenizer()
    definition["added_tokens"][3]["content"] = "<|fim_begin|>"
    assert Tokenizer(write(tmp_path, definition), DEEPSEEK_V2).sentinels.fim is None


def test_a_tokenizer_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tokenizer\.json: missing"):
        Tokenizer(tmp_path, DEEPSEEK_V2)
    with pytest.raises(ModelError, match="cannot be read"):
        Tokenizer(write(tmp_path, {"model": {"type": "BPE", "vocab": 3}}), DEEPSEEK_V2)
    without_eos = byte_tokenizer()
    without_eos["added_tokens"] = without_eos["added_tokens"][:1]
    with pytest.raises(ModelError, match=f"has no {DEEPSEEK_V2.eos}"):
        Tokenizer(write(tmp_path, without_eos), DEEPSEEK_V2)


def test_a_panic_of_the_library_is_a_model_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pattern passes for this test: Oniguruma gives up in a panic, which `except Exception` would let through."""
    definition = byte_tokenizer()
    definition["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a+)+b"
    monkeypatch.setattr("inference.prompts.tokenizer_file.find_danger", lambda pattern: None)
    monkeypatch.setattr("inference.prompts.tokenizer.pass_trial", lambda data, path: None)
    tokenizer = Tokenizer(write(tmp_path, definition), DEEPSEEK_V2)
    for call in (tokenizer.encode, tokenizer.count, tokenizer.begun_word):
        with pytest.raises(ModelError, match=r"tokenizer\.json: cannot be used \(Onig"):
            call(f"{'a' * 40} b")
    assert tokenizer.encode("x = 1") == [120, 32, 61, 32, 49]


def test_padding_and_truncation_of_a_file_are_left_out(tmp_path: Path) -> None:
    padding: dict[str, object] = {"strategy": {"Fixed": 10**9}, "direction": "Right", "pad_to_multiple_of": None}
    padding |= {"pad_id": 0, "pad_type_id": 0, "pad_token": "x"}
    truncation = {"max_length": 1, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    definition = byte_tokenizer() | {"padding": padding, "truncation": truncation}
    assert Tokenizer(write(tmp_path, definition), DEEPSEEK_V2).encode("ab") == [97, 98]


def test_a_content_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tried = []
    monkeypatch.setattr("inference.prompts.trial._try", lambda data, path: tried.append(path))
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        Tokenizer(write(folder, byte_tokenizer()), DEEPSEEK_V2)
    assert tried == [folders[0] / "tokenizer.json"]
    Tokenizer(write(folders[1], byte_tokenizer() | {"version": "2.0"}), DEEPSEEK_V2)
    assert tried[1:] == [folders[1] / "tokenizer.json"]
    Tokenizer(BUILTIN_MODEL, DEEPSEEK_V2)
    assert len(tried) == 2


@pytest.mark.parametrize(
    ("pattern", "danger"),
    [
        (QWEN_SPLIT, None),
        (r"'(?i:[sdmt]|ll|ve|re)|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)", None),
        (r"(?:ab)+[(+*|?]", None),
        ("(a+)+b", "repeats a group with choices"),
        ("(?:a|a)*b", "repeats a group with choices"),
        ("((?:a?b)){30}", "repeats a group with choices"),
        ("a?{30}", "has a group or a quantifier of a rare kind"),
        ("(?(1)a|b)", "has a group or a quantifier of a rare kind"),
        (r"(a)\1", "refers to another part of itself"),
        ("[a[b]]", "has classes within classes"),
        ("a" * 9000, "has more than 8192 characters"),
    ],
)
def test_patterns_that_may_take_for_ever_are_told(pattern: str, danger: str | None) -> None:
    assert find_danger(pattern) == danger


def test_the_trial_of_a_tokenizer_begins_where_the_system_refuses_a_limit_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As macOS does."""
    limited = []

    def set_limit(what: int, _limits: tuple[int, int]) -> None:
        if what == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")
        limited.append(what)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    try_tokenizer._limit()
    assert limited == [resource.RLIMIT_CPU, resource.RLIMIT_CORE]
