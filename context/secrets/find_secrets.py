"""The door to the search for secrets in a text."""

from collections.abc import Iterable

from context.secrets.assignments import ASSIGNMENT, find_assigned_secrets
from context.secrets.finding import Finding
from context.secrets.headers import find_secrets_in_headers
from context.secrets.kubernetes import find_secrets_of_kubernetes
from context.secrets.service_rules import find_service_secrets


def find_secrets(text: str, path: str) -> tuple[Finding, ...]:
    """Return the secrets in a text, in its order and without overlap. The path's name says what kind of file it is."""
    # One byte a character, so offsets are those of the text. An ellipsis is what it is in Windows' code page.
    data = text.replace("…", "\x85").encode("latin-1", "replace")
    found = [
        *find_service_secrets(data),
        *find_secrets_in_headers(data),
        *find_secrets_of_kubernetes(data),
        *find_assigned_secrets(data, path),
    ]
    return _without_overlap(found)


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
