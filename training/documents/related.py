"""Pieces of other files of the package that go before the current file in a document."""

import re
from collections.abc import Sequence
from random import Random

from context.documents.languages import language_of, path_comment
from training.corpus.files import SourceFile

IDENTIFIER = re.compile(r"[A-Za-z_]\w{4,}")
EVERYWHERE_TEXT = """
return import class False raise yield while lambda break continue except finally isinstance super
__init__ ValueError TypeError print range append format object value values kwargs default should
param params Returns string items typing Optional
const export function typeof undefined interface implements extends public private protected readonly
static async await require module exports package struct switch default throw number boolean Array
Promise Object String error Error errors unsigned sizeof double float extern inline define include ifdef
endif uint8_t uint16_t uint32_t uint64_t int32_t int64_t size_t Option Result Some match where
unwrap clone crate trait usize isize derive
"""
EVERYWHERE = frozenset(EVERYWHERE_TEXT.split())
MAX_CANDIDATES = 4
REGION_CHARS = 9_000


def title_of(path: str) -> str:
    """The line that stands before a file's text, as the engine writes it."""
    return path_comment(language_of(path), path)


def identifiers(text: str) -> set[str]:
    """Names in the text that say something about which code it belongs to."""
    return set(IDENTIFIER.findall(text)) - EVERYWHERE


def choose_files(package: list[SourceFile], current: int, rng: Random) -> list[SourceFile]:
    """Files to take pieces from: some that the current one imports, its neighbours in import order, and one other."""
    return [package[index] for index in choose_places(package[current].imports, len(package), current, rng)]


def choose_places(imports: Sequence[int], files: int, current: int, rng: Random) -> list[int]:
    """The places of `choose_files` in a package with so many files."""
    neighbours = [current - 1, current - 2, rng.randrange(files)]
    imported = list(imports)
    rng.shuffle(imported)
    candidates = [i for i in dict.fromkeys(imported[:3] + neighbours) if i >= 0 and i != current]
    return candidates[:MAX_CANDIDATES]


def choose_context(files: list[SourceFile], window: str, chars: int, rng: Random, name: str = "") -> str:
    """About `chars` characters of the files: mostly the pieces that share most names with the window.

    The piece that shares most stands last, nearest to the current file; behind it still, one that has the `name`.
    """
    by_names = rng.random() < 0.7
    wanted = identifiers(window) if by_names else set()
    answer = next((file for file in files if name and name in file.text), None)
    pieces: list[tuple[int, str]] = []
    for file in files:
        if file is answer:
            continue
        for block in _cut_blocks(file.text, min(chars, rng.randint(300, 1600)), rng):
            score = len(wanted & identifiers(block)) if by_names else rng.randrange(1000)
            pieces.append((score, title_of(file.path) + block))
    pieces.sort(key=lambda piece: piece[0])
    taken: list[str] = []
    if answer is not None:
        block = _block_around(answer.text, name, min(chars // 2, rng.randint(200, 1600)), rng)
        taken.append(title_of(answer.path) + block)
    size = sum(map(len, taken))
    while pieces and size < chars:
        taken.append(pieces.pop()[1])
        size += len(taken[-1])
    return "".join(reversed(taken))


def _block_around(text: str, name: str, chars: int, rng: Random) -> str:
    """Whole lines, about `chars` characters of them, in which the name stands; a line of it is the least."""
    places = [match.start() for match in re.finditer(rf"\b{name}\b", text)]
    at = rng.choice(places) if places else text.index(name)
    start = text.rfind("\n", 0, max(0, at - rng.randrange(max(1, chars)))) + 1
    end = text.find("\n", min(len(text) - 1, max(at, start + chars)))
    return text[start:] if end < 0 else text[start : end + 1]


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
