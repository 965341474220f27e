"""The door to the search for secrets in a text, which after an edit looks at the lines of the edit alone.

Names, forms and keywords stand on one line each, and what is decided about one depends on a bounded piece of the text.
So the search of an edited text takes over what was found about all other lines.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from context.documents.difference import Change, find_change
from context.secrets.assignments import ASSIGNMENT, LOOKS_AHEAD, find_assigned_secrets
from context.secrets.finding import Finding
from context.secrets.headers import find_secrets_in_headers
from context.secrets.kubernetes import find_secrets_of_kubernetes
from context.secrets.service_rules import Keyword, Try, find_keywords, plan_tries

# Each try by its rule's name and the two offsets between which the rule was tried.
_Tries = dict[tuple[str, int, int], Try]


@dataclass(frozen=True)
class Search:
    """The secrets in a text, in its order and without overlap, and what the search of an edited text takes over.

    `placed`: the findings by names and forms, each with the offset of its name or form. Not for logs.
    """

    path: str = ""
    data: bytes = field(default=b"", repr=False)  # the text
    findings: tuple[Finding, ...] = ()
    placed: tuple[tuple[int, Finding], ...] = ()
    keywords: tuple[Keyword, ...] = field(default=(), repr=False)
    tries: _Tries = field(default_factory=dict, repr=False)


def find_secrets(text: str, path: str) -> tuple[Finding, ...]:
    """Return the secrets in a text, in its order and without overlap. The path's name says what kind of file it is."""
    return search(text, path).findings


def search(text: str, path: str, before: Search | None = None) -> Search:
    """Search a text. `before` is the search of an earlier state of the same text."""
    # One byte a character, so offsets are those of the text. An ellipsis is what it is in Windows' code page.
    data = text.replace("…", "\x85").encode("latin-1", "replace")
    if before is None or before.path != path:
        before = Search(path)
    change = find_change(before.data, data)
    # The lines that the change may concern: their names and forms are looked for anew.
    start = data.rfind(b"\n", 0, max(change.start - LOOKS_AHEAD, 0)) + 1
    end = data.find(b"\n", change.new_end) + 1 or len(data)
    placed = [
        *((place, finding) for place, finding in before.placed if place < start),
        *find_secrets_in_headers(data, start, end),
        *find_assigned_secrets(data, path, start, end),
        *(
            (place + change.grown, finding.moved(change.grown))
            for place, finding in before.placed
            if place >= end - change.grown
        ),
    ]
    keywords = (
        *(keyword for keyword in before.keywords if keyword[0] < start),
        *find_keywords(data, start, end),
        *(
            (first + change.grown, last + change.grown, word)
            for first, last, word in before.keywords
            if first >= end - change.grown
        ),
    )
    tries = _try_rules(data, keywords, before.tries, change)
    by_service = (finding.moved(start) for (_, start, _), tried in tries.items() for finding in tried.findings)
    by_name = (finding for _, finding in placed)
    findings = _without_overlap([*by_service, *by_name, *find_secrets_of_kubernetes(data)])
    return Search(path, data, findings, tuple(sorted(placed)), keywords, tries)


def _try_rules(data: bytes, keywords: Iterable[Keyword], before: _Tries, change: Change) -> _Tries:
    """Try the rules around their keywords, and take over the tries that read nothing of what has changed."""
    tries: _Tries = {}
    for rule, start, end in plan_tries(keywords, len(data)):
        if start > change.new_end:  # an expression looks at the character before the start
            known = before.get((rule.name, start - change.grown, end - change.grown))
        else:
            known = before.get((rule.name, start, end))
            known = known if known is not None and start + known.seen <= change.start else None
        tries[rule.name, start, end] = known if known is not None else rule.search(data, start, end)
    return tries


def _without_overlap(found: Iterable[Finding]) -> tuple[Finding, ...]:
    kept: list[Finding] = []
    for finding in sorted(found):
        if kept and finding.start < kept[-1].end:
            last = kept.pop()
            # A rule that knows the kind of the secret says more than one that knows its place.
            rule = finding.rule if last.rule == ASSIGNMENT else last.rule
            finding = Finding(last.start, max(last.end, finding.end), rule)
        kept.append(finding)
    return tuple(kept)
