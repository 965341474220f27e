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
