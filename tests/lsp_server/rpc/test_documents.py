import random
from pathlib import Path

import pytest
from lsprotocol.types import (
    Position,
    PositionEncodingKind,
    Range,
    TextDocumentContentChangePartial,
    TextDocumentContentChangeWholeDocument,
    TextDocumentItem,
)

from context.documents.document import MAX_DOCUMENT_BYTES, Document
from context.documents.document_cache import DocumentCache
from context.documents.snapshot import Snapshot
from context.next_edit.before import before_edits
from context.syntax.tree import tree_of
from lsp_server.completion.postprocess.filled_tree import tree_with
from lsp_server.completion.postprocess.place import place_of
from lsp_server.rpc.documents import OpenDocuments, path_of
from lsp_server.rpc.positions import position_of
from lsp_server.rpc.text_changes import apply_changes
from midspan import DocumentError

UTF16 = PositionEncodingKind.Utf16
URI = "file:///project/a.py"
ALPHABET = ["a", "bc", "é", "日", "😀", "\n", "\r\n", "\r", "\x0c", "\u2028"]


def partial(start: Position, end: Position, text: str) -> TextDocumentContentChangePartial:
    return TextDocumentContentChangePartial(Range(start, end), text)


def opened(text: str, uri: str = URI) -> OpenDocuments:
    documents = OpenDocuments()
    documents.open(TextDocumentItem(uri, "python", 1, text), [Path("/project")])
    return documents


@pytest.mark.parametrize("encoding", list(PositionEncodingKind))
def test_random_edits_are_applied_exactly(encoding):
    rng = random.Random(11)
    for _ in range(30):
        document = Document("a.py", "".join(rng.choices(ALPHABET, k=30)), "python", 1)
        changes, expected = [], document
        for _ in range(20):
            text = expected.text
            places = [o for o in range(len(text) + 1) if text[o - 1 : o + 1] != "\r\n"]
            start, end = sorted(rng.choices(places, k=2))
            inserted = "".join(rng.choices(ALPHABET, k=rng.randrange(4)))
            changes.append(
                partial(position_of(expected, start, encoding), position_of(expected, end, encoding), inserted)
            )
            expected = Document("a.py", text[:start] + inserted + text[end:], "python", 1)
        changed = apply_changes(document, changes, encoding, 2)
        assert (changed.text, changed.lines, changed.version) == (expected.text, expected.lines, 2)


def test_a_document_has_its_path_from_the_roots_of_the_moment():
    documents = opened("x = 1\n")
    documents.open(TextDocumentItem("untitled:b.py", "python", 1, "y = 2\n"), [])
    assert documents.follow_roots([Path("/project")]) == []
    assert documents.follow_roots([Path("/other")]) == [(URI, "a.py")]
    assert (documents.document(URI).path, documents.document(URI).text) == ("/project/a.py", "x = 1\n")
    assert documents.follow_roots([Path("/other"), Path("/project")]) == [(URI, "/project/a.py")]
    assert documents.uris_at("a.py") == [URI]
    assert [uri for uri, _ in documents.others("")] == ["untitled:b.py", URI]  # the last used comes first still


def test_a_whole_text_replaces_the_text():
    documents = opened("old")
    documents.change(URI, 2, [TextDocumentContentChangeWholeDocument("new")], UTF16)
    assert (documents.document(URI).text, documents.document(URI).version) == ("new", 2)


def test_a_change_to_a_document_never_opened_is_refused_by_name():
    with pytest.raises(DocumentError, match=r"file:///project/a\.py is not open"):
        OpenDocuments().change(URI, 2, [TextDocumentContentChangeWholeDocument("new")], UTF16)


def test_an_edit_that_does_not_fit_ends_completion_there_until_the_whole_text_comes():
    documents = opened("one line")
    wrong = partial(Position(7, 0), Position(7, 0), "x")
    with pytest.raises(DocumentError, match="no line 8"):
        documents.change(URI, 2, [wrong], UTF16)
    documents.change(URI, 3, [partial(Position(0, 0), Position(0, 0), "x")], UTF16)  # cannot be placed either
    with pytest.raises(DocumentError, match="no line 8"):
        documents.document(URI)
    documents.change(URI, 4, [TextDocumentContentChangeWholeDocument("whole")], UTF16)
    assert documents.document(URI).text == "whole"


def test_a_change_that_ends_before_it_begins_is_refused():
    with pytest.raises(DocumentError, match="ends before it begins"):
        opened("abc").change(URI, 2, [partial(Position(0, 2), Position(0, 1), "x")], UTF16)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * (MAX_DOCUMENT_BYTES + 1), r"a\.py is larger than 4 MB"),
        ("x\0", r"a\.py is binary"),
        ("x\udce9", r"a\.py is not UTF-8"),
    ],
)
def test_a_document_that_is_no_source_is_refused_once_and_not_kept(text, why):
    documents = opened("")
    whole = [TextDocumentContentChangeWholeDocument(text)]
    with pytest.raises(DocumentError, match=why):
        documents.change(URI, 2, whole, UTF16)
    documents.change(URI, 3, whole, UTF16)
    documents.change(URI, 4, [partial(Position(0, 0), Position(0, 0), "x")], UTF16)
    with pytest.raises(DocumentError, match=why):
        documents.document(URI)
    assert documents.others("file:///project/b.py") == ()
    documents.change(URI, 5, [TextDocumentContentChangeWholeDocument("whole")], UTF16)
    assert documents.document(URI).text == "whole"


def test_a_document_completes_again_once_its_zero_byte_is_gone():
    documents = opened("a\nb")
    with pytest.raises(DocumentError, match="binary"):
        documents.change(URI, 2, [partial(Position(1, 1), Position(1, 1), "\0")], UTF16)
    documents.change(URI, 3, [partial(Position(0, 1), Position(0, 1), "x")], UTF16)
    with pytest.raises(DocumentError, match="binary"):
        documents.document(URI)
    documents.change(URI, 4, [partial(Position(1, 1), Position(1, 2), "")], UTF16)
    assert documents.document(URI).text == "ax\nb"
    with pytest.raises(DocumentError, match="binary"):
        documents.change(URI, 5, [partial(Position(0, 0), Position(0, 0), "\0")], UTF16)


def test_what_was_computed_of_a_document_lives_until_it_is_closed_opened_anew_or_refused():
    computed = []
    cached = DocumentCache(lambda document: computed.append(document.text))
    documents = opened("a")
    cached(documents.document(URI))
    documents.change(URI, 2, [partial(Position(0, 1), Position(0, 1), "b")], UTF16)
    results = documents.document(URI).last_results
    assert results is not None
    assert results[cached][0].text == "a"
    for _ in range(2):
        cached(documents.document(URI))
    assert computed == ["a", "ab"]
    documents.open(TextDocumentItem(URI, "python", 3, "ab"), [Path("/project")])
    assert not results
    cached(documents.document(URI))
    with pytest.raises(DocumentError, match="binary"):
        documents.change(URI, 4, [TextDocumentContentChangeWholeDocument("\0")], UTF16)
    documents.change(URI, 5, [TextDocumentContentChangeWholeDocument("ab")], UTF16)
    results = documents.document(URI).last_results
    assert not results
    cached(documents.document(URI))
    documents.close_all()
    assert not results
    assert len(documents) == 0


def test_a_file_that_takes_too_long_to_parse_is_no_reason_not_to_parse_one_of_the_same_name_elsewhere():
    trees = {}
    for folder, text in [("one", "a<\n" * 100_000), ("other", "int a;\n")]:
        documents, root = OpenDocuments(), Path("/") / folder
        documents.open(TextDocumentItem(f"{root.as_uri()}/lib/a.cpp", "cpp", 1, text), [root])
        documents.change(f"{root.as_uri()}/lib/a.cpp", 2, [partial(Position(0, 0), Position(0, 0), "x")], UTF16)
        document = documents.document(f"{root.as_uri()}/lib/a.cpp")
        place = place_of(Snapshot(document, 1))
        assert document.path == "lib/a.cpp"
        trees[folder] = [tree_of(document), tree_with("b", place), tree_of(before_edits(document, []))]
    assert trees["one"] == [None] * 3
    assert None not in trees["other"]


def test_the_others_come_most_recently_used_first():
    documents = OpenDocuments()
    for name in "abc":
        documents.open(TextDocumentItem(f"file:///project/{name}.py", "python", 1, name), [])
    documents.touch("file:///project/a.py")
    assert [document.text for _, document in documents.others("file:///project/c.py")] == ["a", "b"]


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///project/src/a%20b.py", "src/a b.py"),
        ("file:///project/vendored/x.py", "x.py"),
        ("file:///elsewhere/x.py", "/elsewhere/x.py"),
        ("untitled:Untitled-1", "Untitled-1"),
        ("untitled:/home/new.py", "home/new.py"),
    ],
)
def test_a_path_is_relative_to_the_nearest_root(uri, path):
    assert path_of(uri, [Path("/project"), Path("/project/vendored")]) == path


def test_an_unknown_scheme_is_refused_by_name():
    with pytest.raises(DocumentError, match="scheme 'vscode-notebook-cell' are not completed"):
        path_of("vscode-notebook-cell:/project/n.ipynb#W0", [])
