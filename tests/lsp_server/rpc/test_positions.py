import random

import pytest
from lsprotocol.types import (
    ClientCapabilities,
    GeneralClientCapabilities,
    Position,
    PositionEncodingKind,
)

from context.documents.document import Document
from lsp_server.rpc.positions import choose_encoding, offset_of, position_of
from midspan import DocumentError

UTF8, UTF16, UTF32 = (PositionEncodingKind.Utf8, PositionEncodingKind.Utf16, PositionEncodingKind.Utf32)
ALPHABET = ["a", " ", "é", "日", "😀", "𝔘", "\u2028", "\x0c", "\n", "\r\n", "\r"]


def document(text: str) -> Document:
    return Document("a.py", text, "python", 1)


@pytest.mark.parametrize(
    ("encoding", "character"), [(UTF8, 4 + 4 + 3 + 2), (UTF16, 4 + 2 + 1 + 1), (UTF32, 4 + 1 + 1 + 1)]
)
def test_a_position_after_astral_characters(encoding, character):
    text = document("\nx = 😀日é|\n")
    at = Position(1, character)
    assert text.text[offset_of(text, at, encoding)] == "|"
    assert position_of(text, text.text.index("|"), encoding) == at


@pytest.mark.parametrize("encoding", [UTF8, UTF16, UTF32])
def test_every_offset_survives_the_way_there_and_back(encoding):
    rng = random.Random(7)
    for _ in range(200):
        text = document("".join(rng.choices(ALPHABET, k=rng.randrange(40))))
        for offset in range(len(text.text) + 1):
            if text.text[offset - 1 : offset + 1] == "\r\n":
                continue  # between the two there is no position
            assert offset_of(text, position_of(text, offset, encoding), encoding) == offset


@pytest.mark.parametrize("encoding", [UTF8, UTF16, UTF32])
def test_form_feed_and_line_separator_do_not_end_a_line(encoding):
    text = document("a\x0cb\u2028c\nd")
    assert offset_of(text, Position(1, 0), encoding) == text.text.index("d")


def test_a_column_past_the_line_is_its_end():
    assert offset_of(document("ab\r\ncd"), Position(0, 99), UTF16) == 2


def test_the_line_after_the_last_is_the_end_of_the_text():
    assert offset_of(document("ab"), Position(1, 0), UTF16) == 2


@pytest.mark.parametrize("position", [Position(2, 0), Position(1, 1)])
def test_a_line_that_does_not_exist_is_an_error_that_names_it(position):
    with pytest.raises(DocumentError, match=rf"a\.py has no line {position.line + 1}: it has 1"):
        offset_of(document("ab"), position, UTF16)


@pytest.mark.parametrize(("encoding", "character"), [(UTF8, 2), (UTF16, 1)])
def test_a_position_inside_a_character_is_an_error(encoding, character):
    with pytest.raises(DocumentError, match="inside a character"):
        offset_of(document("😀"), Position(0, character), encoding)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(None, UTF16), ([], UTF16), (["utf-7", "utf-8"], UTF8), (["utf-32", "utf-8"], UTF32)],
)
def test_the_client_chooses_the_encoding(offered, chosen):
    assert choose_encoding(ClientCapabilities(general=GeneralClientCapabilities(position_encodings=offered))) == chosen


def test_a_client_without_general_capabilities_means_utf_16():
    assert choose_encoding(ClientCapabilities()) == UTF16
