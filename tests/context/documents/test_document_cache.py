import gc
import weakref
from dataclasses import replace
from weakref import WeakKeyDictionary

from context.documents.document import Document
from context.documents.document_cache import DocumentCache


def test_a_state_is_computed_once_and_all_states_of_a_large_file_are_not_kept() -> None:
    computed: list[int] = []

    def compute(document: Document) -> int:
        computed.append(document.version)
        return document.version

    cached = DocumentCache(compute)
    states = [Document("a.py", "x" * 300_000, "python", version) for version in range(8)]
    for document in states:
        assert cached(document) == cached(document) == document.version
    assert computed == list(range(8))
    assert cached(states[-1]) == 7
    assert computed == list(range(8))
    assert cached(states[0]) == 0  # forgotten: three such texts are kept
    assert computed == [*range(8), 0]


def test_a_text_over_the_bound_is_kept_alone() -> None:
    calls: list[str] = []
    cached = DocumentCache(lambda document: calls.append(document.path))
    large = Document("large.py", "x" * 3_000_000, "python", 1)
    cached(Document("small.py", "x", "python", 1))
    cached(large)
    cached(large)
    assert calls == ["small.py", "large.py"]


def open_document(path: str, characters: int) -> Document:
    return Document(path, "x" * characters, "python", 1, last_results=WeakKeyDictionary())


def test_the_last_state_of_each_open_document_is_kept_however_long_all_are() -> None:
    computed: list[tuple[str, int]] = []
    cached = DocumentCache(lambda document: computed.append((document.path, document.version)))
    documents = [open_document(f"{number}.py", 400_000) for number in range(10)]
    for _ in range(3):
        for document in documents:
            cached(document)
    assert computed == [(f"{number}.py", 1) for number in range(10)]
    cached(replace(documents[0], text="y", version=2))
    for document in documents[1:]:
        cached(document)
    assert computed[10:] == [("0.py", 2)]


def test_one_state_of_an_open_document_is_kept_and_the_next_result_can_be_made_from_it() -> None:
    cached = DocumentCache(lambda document: frozenset([document.version]))
    document = open_document("a.py", 10)
    assert cached.last(document) is None
    first = weakref.ref(cached(document))
    later = replace(document, version=2)
    assert cached.last(later) == frozenset([1])
    assert cached(later) == cached.last(document) == frozenset([2])
    gc.collect()
    assert first() is None


def test_the_results_of_a_cache_that_is_gone_are_gone() -> None:
    document = open_document("a.py", 10)
    cached = DocumentCache(lambda document: document.version)
    assert cached(document) == 1
    del cached
    gc.collect()
    assert not document.last_results
