"""A cache of what was computed from the states of documents."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from context.documents.document import Document

T = TypeVar("T")

# Each keystroke makes another state. A character with its line takes about 5 bytes, and with its syntax tree 40.
_MOST_CHARACTERS = 1_000_000


class DocumentCache(Generic[T]):
    """A function of a document that computes each state once. Any thread may call.

    The last state of each document that an editor has open is kept until the document is closed. Of other documents,
    the last states are kept, bounded by the length of their texts.
    """

    def __init__(self, compute: Callable[[Document], T]) -> None:
        self._compute = compute
        self._results: OrderedDict[Document, T] = OrderedDict()  # the last used one is last
        self._characters = 0
        self._lock = threading.Lock()

    def __call__(self, document: Document) -> T:
        if document.last_results is None:
            return self._result_of_unopened(document)
        last: tuple[Document, T] | None = document.last_results.get(self)
        if last is None or last[0] != document:
            last = document, self._compute(document)
            document.last_results[self] = last
        return last[1]

    def last(self, document: Document) -> T | None:
        """Return the last result for an open document, of this state or of an earlier one; None without one."""
        last = document.last_results.get(self) if document.last_results is not None else None
        return last and last[1]

    def _result_of_unopened(self, document: Document) -> T:
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
