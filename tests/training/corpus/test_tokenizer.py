"""The tokenizer has the properties that the engine relies on and that the released tokenizer has."""

from tokenizers import Tokenizer

from training.corpus.tokenizer import SENTINELS, TextEncoder, add_sentinels


def test_one_token_holds_a_newline_and_lines_give_the_ids_of_the_file(
    encoder: TextEncoder, sources: dict[str, str]
) -> None:
    newlines = [token for token in encoder.text_only.get_vocab() if "Ċ" in token]
    assert newlines == ["Ċ"]
    for text in [*sources.values(), "a\r\n\tb  \n\n  \u4e2d\u6587 = '\U0001f600'\n"]:
        by_line = [i for line in text.splitlines(keepends=True) for i in encoder.encode(line)]
        assert by_line == encoder.encode(text)
        assert encoder.decode(by_line) == text


def test_digits_are_single_and_indentation_is_one_token(encoder: TextEncoder) -> None:
    assert len(encoder.encode("2048")) == 4
    for width in (4, 8):
        indent, word = encoder.encode(" " * width + "return")
        assert encoder.decode([indent]) == " " * (width - 1)
        assert encoder.decode([word]) == " return"


def test_a_sentinel_in_source_stays_text(encoder: TextEncoder) -> None:
    for sentinel in SENTINELS:
        ids = encoder.encode(f"s = '{sentinel}'\n")
        assert max(ids) < encoder.bos
        assert encoder.decode(ids) == f"s = '{sentinel}'\n"


def test_sentinels_are_special_and_hold_the_last_ids(encoder: TextEncoder) -> None:
    full: Tokenizer = add_sentinels(encoder.text_only)
    last = encoder.vocabulary_tokens - len(SENTINELS)
    assert [full.token_to_id(s) for s in SENTINELS] == list(range(last, encoder.vocabulary_tokens))
    assert all(full.get_added_tokens_decoder()[last + i].special for i in range(len(SENTINELS)))
    assert [encoder.bos, encoder.eos, encoder.hole, encoder.begin, encoder.end] == [
        full.token_to_id(s) for s in SENTINELS
    ]
