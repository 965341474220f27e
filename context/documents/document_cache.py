"""A cache of what was computed from the states of documents, bounded by the length of their texts."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from context.documents.document import Document

T = TypeVar("T")

# Each keystroke makes another state. A character with its line takes about 5 bytes, and with its syntax tree 40.
_MOST_CHARACTERS = 1_000_000


class DocumentCache(Generic[T]):
    """A function of a document that computes each state once, while it is among the last ones. Any thread may call."""

    def __init__(self, compute: Callable[[Document], T]) -> None:
        self._compute = compute
        self._results: OrderedDict[Document, T] = OrderedDict()  # the last used one is last
        self._characters = 0
        self._lock = threading.Lock()

    def __call__(self, document: Document) -> T:
        with self._lock:
            if document in self._results:
                self._results.move_to_end(document)
                return self._results[document]
        result = self._compute(document)
        with self._lock:
            if document not in self._results:
                self._results[document] = result
                self._characters += len(document.text)
            while self._characters > _MOST_CHARACTERS and len(self._results) > 1:
                oldest, _ = self._results.popitem(last=False)
                self._characters -= len(oldest.text)
        return result
