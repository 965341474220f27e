"""The cases of the pinned releases, and the answer to each."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from evaluation.next_edit.cases import Case, Target, all_cases, diff_files, draw, quiet_cases
from evaluation.next_edit.judge import compare, judge, meets
from evaluation.next_edit.release_folder import CaseState, ReleaseFolder, Texts
from lsp_server.next_edit.next_edit import NextEdit

FIRST = 3
# The cases of each language in which something follows, and the quiet ones.
COUNTS = {"python": (300, 60), "typescript": (100, 20), "go": (100, 20)}
_MOST_SHARE = 0.15  # of a language's cases from one pair of releases

# The next edits of a state, the best first.
FindEdits = Callable[[CaseState], Sequence[NextEdit]]


@dataclass(frozen=True)
class Answer:
    """The proposals in a case, judged. `shown`, `placed` and `right` are of the first three proposals, in their order.

    `found`: one of the first three is right and in a target; `found_next`: in the first target.
    """

    case: Case
    language: str
    shown: tuple[str, ...]
    placed: tuple[bool, ...]
    right: tuple[bool, ...]
    found: bool
    found_next: bool
    exact: bool
    similarity: float
    duration_ms: float


def draw_cases(texts: Sequence[Texts], limit: int | None = None) -> list[Case]:
    """Draw the cases of each language, then its quiet cases; with a `limit`, so many of each."""
    cases: list[Case] = []
    for language, (count, quiet_count) in COUNTS.items():
        following: list[Case] = []
        quiet: list[Case] = []
        for one in texts:
            if one.language == language:
                diffs = diff_files(one.old, one.new, language)
                following += all_cases(one.title, diffs)
                quiet += quiet_cases(one.title, diffs)
        most = round(_MOST_SHARE * count)
        cases += draw(following, count, most)[:limit]
        cases += draw(quiet, quiet_count, most)[:limit]
    return cases


def run_cases(texts: Texts, cases: Sequence[Case], find: FindEdits) -> Iterator[Answer]:
    """Answer the cases of one pair of releases."""
    with tempfile.TemporaryDirectory(prefix="midspan-eval-") as folder:
        root = Path(folder) / "release"
        root.mkdir()
        release = ReleaseFolder(texts, root, Path(folder) / "index")
        try:
            for case in sorted(cases, key=lambda case: (case.is_quiet, len(case.done), len(case.made))):
                state = release.state_at(case)
                started = perf_counter()
                proposals = find(state)
                duration_ms = (perf_counter() - started) * 1000
                yield _answer(texts, release, case, proposals, duration_ms)
        finally:
            release.close()


def _answer(
    texts: Texts, release: ReleaseFolder, case: Case, proposals: Sequence[NextEdit], duration_ms: float
) -> Answer:
    first = proposals[:FIRST]
    verdicts = [judge(proposal, release.wanted_text(proposal.document)) for proposal in first]
    right = tuple(verdict.is_right for verdict in verdicts)
    found = [
        any(is_right and _is_in(texts, case, target, one) for one, is_right in zip(first, right, strict=True))
        for target in case.targets
    ]
    exact, similarity = False, 0.0
    if first and not case.is_quiet:
        same_file = [one for one in proposals if one.document == first[0].document]
        exact, similarity = compare(same_file, release.wanted_text(first[0].document))
    return Answer(
        case=case,
        language=texts.language,
        shown=tuple(map(_describe, first)),
        placed=tuple(verdict.is_placed for verdict in verdicts),
        right=right,
        found=any(found),
        found_next=found[:1] == [True],
        exact=exact,
        similarity=similarity,
        duration_ms=duration_ms,
    )


def _is_in(texts: Texts, case: Case, target: Target, proposal: NextEdit) -> bool:
    if proposal.document.path != target.path:
        return False
    diff = texts.diff(target.path)
    first = diff.first_line(target.hunk, case.made if target.path == case.path else ())
    start = first + target.start - diff.hunks[target.hunk].start
    return meets(proposal, start, start + target.end - target.start)


def _describe(proposal: NextEdit) -> str:
    line, _ = proposal.document.position_at(proposal.start)
    old = proposal.document.text[proposal.start : proposal.end]
    return f"{proposal.why}: {proposal.document.path}:{line + 1} {old!r} -> {proposal.text!r}"
