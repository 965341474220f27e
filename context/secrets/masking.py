"""Masks secrets: a placeholder of the same length and the same kinds of characters stands for each.

A placeholder is made from the secret with a key, so equal secrets have equal placeholders, and nobody without the key
learns anything from one. Its end is a check of its beginning: any text can be searched for placeholders, whoever made
them. Offsets and lines stay, and a text that is masked already is not changed.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import shake_256

from context.documents.document import Document
from context.documents.document_cache import DocumentCache
from context.documents.snapshot import Snapshot
from context.secrets.find_secrets import Search, find_secrets, search
from context.secrets.finding import Finding
from context.secrets.mask_key import mask_key

_ALPHABETS = (
    string.digits,
    "0123456789abcdef",
    "0123456789ABCDEF",
    string.ascii_lowercase + string.digits,
    string.ascii_uppercase + string.digits,
    string.ascii_letters + string.digits,
)
_MOST_CHECK_CHARACTERS = 16
_FEWEST_CHARACTERS = 6  # of a placeholder that is searched for
_RUN = re.compile(rf"[A-Za-z0-9]{{{_FEWEST_CHARACTERS},}}")
_PIECE = re.compile(r"[^\s](?:[^\r\n]*[^\s])?")


@dataclass(frozen=True)
class MaskedSecret:
    """A secret, or a line of one, and what stands for it. Not for logs: `secret` is the value."""

    start: int
    placeholder: str
    secret: str
    rule: str

    @property
    def end(self) -> int:
        return self.start + len(self.secret)

    def __repr__(self) -> str:
        return f"MaskedSecret({self.start}, {self.placeholder!r}, {self.rule!r})"


@dataclass(frozen=True)
class Masked:
    """A document without its secrets, and the secrets in the order of the text."""

    document: Document
    secrets: tuple[MaskedSecret, ...]

    def restore(self, text: str) -> str:
        """Return a text that a model wrote about the document, with the secrets in place of their placeholders."""
        for found in self.secrets:
            text = text.replace(found.placeholder, found.secret)
        return text

    def hide(self, text: str) -> str:
        """Return a text that quotes the document, such as a diagnostic, with placeholders for the secrets in it."""
        for found in sorted(self.secrets, key=lambda found: -len(found.secret)):
            text = text.replace(found.secret, found.placeholder)
        return text

    def secret_at(self, offset: int) -> MaskedSecret | None:
        """Return the secret that an offset is in, or that begins or ends there."""
        return next((found for found in self.secrets if found.start <= offset <= found.end), None)

    def between(self, start: int, end: int) -> list[MaskedSecret]:
        """Return the secrets that a range holds or touches with more than its ends."""
        return [found for found in self.secrets if found.start < end and start < found.end]

    @property
    def rules(self) -> dict[str, str]:
        """The rule that found each secret, by the secret's placeholder."""
        return {found.placeholder: found.rule for found in self.secrets}


@DocumentCache
def _search_document(document: Document) -> Search:
    return search(document.text, document.path, _search_document.last(document))


@DocumentCache
def mask_document(document: Document) -> Masked:
    """Return the document with a placeholder for each secret in its text."""
    before = mask_document.last(document)
    known = {found.secret: found.placeholder for found in before.secrets} if before is not None else {}
    text, secrets = _mask(document.text, _search_document(document).findings, known)
    return Masked(replace(document, text=text) if secrets else document, secrets)


def mask_snapshot(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with a placeholder for each secret, in all of its documents."""
    others = tuple(mask_document(document).document for document in snapshot.open_documents)
    return replace(snapshot, document=mask_document(snapshot.document).document, open_documents=others)


def mask_text(text: str, path: str) -> tuple[str, tuple[MaskedSecret, ...]]:
    """Return the text of a file with a placeholder for each secret, and the secrets. The length stays."""
    return _mask(text, find_secrets(text, path), {})


def _mask(text: str, findings: Iterable[Finding], known: Mapping[str, str]) -> tuple[str, tuple[MaskedSecret, ...]]:
    """Put placeholders in place of what was found. `known` are secrets of the text before an edit, with theirs."""
    secrets = []
    parts, end = [], 0
    for finding in findings:
        value = text[finding.start : finding.end]
        if value not in known and find_placeholders(value):
            continue
        for piece in _PIECE.finditer(text, finding.start, finding.end):
            placeholder = known.get(piece.group()) or make_placeholder(piece.group())
            secrets.append(MaskedSecret(piece.start(), placeholder, piece.group(), finding.rule))
            parts += [text[end : piece.start()], placeholder]
            end = piece.end()
    return "".join([*parts, text[end:]]), tuple(secrets)


def make_placeholder(secret: str) -> str:
    """Return what stands for a secret, or for a line of one."""
    characters = {character for character in secret if character in _ALPHABETS[-1]}
    alphabet = next(alphabet for alphabet in _ALPHABETS if characters <= set(alphabet))
    head = _draw("secret", secret, len(secret) - _check_characters(len(secret)), alphabet)
    return head + _draw("check", head, len(secret) - len(head), alphabet)


def find_placeholders(text: str) -> set[str]:
    """Return the placeholders in a text, whatever file and process they are of."""
    return {run for run in set(_RUN.findall(text)) if _is_placeholder(run)}


def count_masked(texts: Iterable[str], rules: Mapping[str, str]) -> dict[str, int]:
    """Count the masked secrets that the texts show, by the rules that found them. `rules` is by placeholders."""
    shown = "\n".join(texts)
    return dict(Counter(rule for placeholder, rule in rules.items() if placeholder in shown))


def _is_placeholder(run: str) -> bool:
    head = run[: len(run) - _check_characters(len(run))]
    return any(
        run[len(head) :] == _draw("check", head, len(run) - len(head), alphabet)
        for alphabet in _ALPHABETS
        if set(run) <= set(alphabet)
    )


def _check_characters(length: int) -> int:
    return min(length // 2, _MOST_CHECK_CHARACTERS)


def _draw(purpose: str, text: str, length: int, alphabet: str) -> str:
    """Return so many characters of the alphabet that depend on the key, the purpose and the text."""
    seed = b"\0".join((mask_key(), purpose.encode(), alphabet.encode(), text.encode("utf-8", "surrogatepass")))
    digest = shake_256(seed).digest(2 * length)  # two bytes a character: all characters are nearly as likely
    return "".join(
        alphabet[int.from_bytes(digest[place : place + 2], "big") % len(alphabet)] for place in range(0, 2 * length, 2)
    )
