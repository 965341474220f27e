"""Pieces of other files of the package that go before the current file in a document."""

import re
from random import Random

from training.corpus.files import SourceFile

IDENTIFIER = re.compile(r"[A-Za-z_]\w{4,}")
EVERYWHERE_TEXT = """
return import class False raise yield while lambda break continue except finally isinstance super
__init__ ValueError TypeError print range append format object value values kwargs default should
param params Returns string items typing Optional
"""
EVERYWHERE = frozenset(EVERYWHERE_TEXT.split())
MAX_CANDIDATES = 4
REGION_CHARS = 9_000


def path_comment(path: str) -> str:
    """The line that stands before a file's text."""
    return f"# {path}\n"


def identifiers(text: str) -> set[str]:
    """Names in the text that say something about which code it belongs to."""
    return set(IDENTIFIER.findall(text)) - EVERYWHERE


def choose_context(package: list[SourceFile], current: int, window: str, chars: int, rng: Random) -> str:
    """About `chars` characters of other files: mostly the pieces that share most names.

    Candidates are files the current one imports, its neighbours in import order, and one other.
    The piece that shares most stands last, nearest to the current file.
    """
    neighbours = [current - 1, current - 2, rng.randrange(len(package))]
    imported = list(package[current].imports)
    rng.shuffle(imported)
    candidates = [i for i in dict.fromkeys(imported[:3] + neighbours) if i >= 0 and i != current]
    by_names = rng.random() < 0.7
    wanted = identifiers(window) if by_names else set()
    pieces: list[tuple[int, str]] = []
    for index in candidates[:MAX_CANDIDATES]:
        file = package[index]
        for block in _cut_blocks(file.text, min(chars, rng.randint(300, 1600)), rng):
            score = len(wanted & identifiers(block)) if by_names else rng.randrange(1000)
            pieces.append((score, path_comment(file.path) + block))
    pieces.sort(key=lambda piece: piece[0])
    taken: list[str] = []
    size = 0
    while pieces and size < chars:
        taken.append(pieces.pop()[1])
        size += len(taken[-1])
    return "".join(reversed(taken))


def _cut_blocks(text: str, chars: int, rng: Random) -> list[str]:
    """Whole lines of a region of the text, in blocks of about `chars` characters."""
    first = rng.randrange(max(1, len(text) - REGION_CHARS // 2)) if len(text) > REGION_CHARS else 0
    start = text.rfind("\n", 0, first) + 1
    stop = min(len(text), start + REGION_CHARS)
    blocks = []
    while start < stop:
        end = text.find("\n", min(start + chars, len(text) - 1))
        end = len(text) if end < 0 else end + 1
        blocks.append(text[start:end])
        start = end
    return blocks
