"""The values of Kubernetes' `kind: Secret`, whose names say nothing."""

import re
from collections.abc import Iterator

from context.secrets.finding import Finding
from context.secrets.randomness import is_placeholder

_KIND = re.compile(rb"^kind:[ \t]*[\"']?Secret[\"']?[ \t]*\r?$", re.MULTILINE)
_MARK = re.compile(rb"^---[^\n]*$", re.MULTILINE)  # between two documents
_DATA = re.compile(rb"^(?:data|stringData):[ \t]*\r?\n((?:[ \t]+[^\n]*\n?|\r?\n)+)", re.MULTILINE)
_VALUE = re.compile(rb"^[ \t]+[\"']?[\w.-]+[\"']?:[ \t]*[\"']?([^\s\"'|>{][^\s\"']{5,})", re.MULTILINE)
_BLOCK_LINE = re.compile(rb"^[ \t]+([A-Za-z0-9+/=]{12,})[ \t]*\r?$", re.MULTILINE)


def find_secrets_of_kubernetes(data: bytes) -> Iterator[Finding]:
    """Yield the values of `data` and `stringData` in each document that is a Secret; one byte a character."""
    may_be_secret = data.startswith(b"kind:") or b"\nkind:" in data  # in nearly no text, and seen many times faster
    has_kind = may_be_secret and _KIND.search(data)
    marks = [match.span() for match in _MARK.finditer(data)] if has_kind else []
    starts, ends = [0, *(end for _, end in marks)], [*(start for start, _ in marks), len(data)]
    for start, end in zip(starts, ends, strict=True) if has_kind else ():
        document = data[start:end]
        if _KIND.search(document):
            yield from _values(document, start)


def _values(document: bytes, offset: int) -> Iterator[Finding]:
    for block in _DATA.finditer(document):
        for form in (_VALUE, _BLOCK_LINE):
            for match in form.finditer(document, block.start(1), block.end(1)):
                if not is_placeholder(match[1].decode("latin-1")):
                    yield Finding(offset + match.start(1), offset + match.end(1), "kubernetes-secret")
