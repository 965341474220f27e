"""Learns the weights of `context.next_edit.evidence`: python -m evaluation.next_edit.fit_evidence

It looks at the sites of one example in the cases of the tuning packages, and asks which the new release changes as the
example did. It prints the weights, and how many sites of packages that were left out are right from each confidence on.
"""

import argparse
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from context.next_edit.by_example import fitting_sites
from context.next_edit.evidence import signs_of
from context.next_edit.workspace.workspace_files import WorkspaceFiles
from evaluation.next_edit.cases import Case
from evaluation.next_edit.evaluate_next_edits import read_releases
from evaluation.next_edit.judge import judge
from evaluation.next_edit.release_folder import ReleaseFolder, Texts
from evaluation.next_edit.run_cases import draw_cases
from lsp_server.next_edit.next_edit import from_proposal

_ALL_SITES = "all sites"  # the sign that every site has
_FEWEST_SITES = 4  # with a sign, for it to have a weight
_LEAST_WEIGHT = 0.05
_SHRINK = 2.0  # of the weights (L2)
# A case with n sites weighs as one with a single site, times n to the power of 1 minus this. So does a place that
# looks the same in n cases.
_SHARE = 0.7
_STEPS = 50
_LEVELS = (0.4, 0.5, 0.6, 0.7, 0.8)

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class JudgedSite:
    """The signs of a site, whether the new release changes it so, and its weight among all sites."""

    package: str
    signs: frozenset[str]
    is_right: bool
    weight: float


Place = tuple[str, str, str]  # its file, its line and what the proposal makes of it


def collect(texts: Texts, cases: Sequence[Case]) -> Iterator[JudgedSite]:
    """Judge the sites in the cases of one pair of releases."""
    with tempfile.TemporaryDirectory(prefix="midspan-eval-") as folder:
        root = Path(folder) / "release"
        root.mkdir()
        release = ReleaseFolder(texts, root, Path(folder) / "index")
        try:
            judged = [
                one
                for case in sorted(cases, key=lambda case: (case.is_quiet, len(case.done), len(case.made)))
                for one in _judged(release, case)
            ]
        finally:
            release.close()
    counts = Counter(place for place, _ in judged)
    for place, site in judged:
        yield replace(site, weight=site.weight * counts[place] ** -_SHARE)


def _judged(release: ReleaseFolder, case: Case) -> Iterator[tuple[Place, JudgedSite]]:
    state = release.state_at(case)
    snapshot = state.snapshot
    files = WorkspaceFiles((snapshot.document, *snapshot.open_documents), state.view)
    found = list(fitting_sites(state.edits, snapshot, files, 0.0))
    for evidence, proposal in found:
        document = proposal.document
        is_right = judge(from_proposal(proposal), release.wanted_text(document)).is_right
        signs = frozenset({*signs_of(evidence), _ALL_SITES})
        place = document.path, document.lines[evidence.site.line], proposal.text
        yield place, JudgedSite(case.release.split()[0], signs, is_right, len(found) ** -_SHARE)


def fit(sites: Sequence[JudgedSite]) -> dict[str, float]:
    """Fit a logistic regression by Newton's method; return the weights of the signs."""
    counts = Counter(sign for site in sites for sign in site.signs)
    signs = sorted(sign for sign, count in counts.items() if count >= _FEWEST_SITES)
    has = np.array([[sign in site.signs for sign in signs] for site in sites], dtype=np.float64)
    right = np.array([site.is_right for site in sites], dtype=np.float64)
    weight = np.array([site.weight for site in sites])
    found: Numbers = np.zeros(len(signs))
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-has @ found))
        slope = has.T @ (weight * (expected - right)) + _SHRINK * found
        curve = (has * (weight * expected * (1 - expected))[:, None]).T @ has + _SHRINK * np.eye(len(signs))
        found -= np.linalg.solve(curve, slope)
    return dict(zip(signs, found.tolist(), strict=True))


def held_out(sites: Sequence[JudgedSite]) -> list[tuple[float, bool]]:
    """Return the confidence of each site by the weights of all other packages, and whether it is right."""
    judged = []
    for package in sorted({site.package for site in sites}):
        weights = fit([site for site in sites if site.package != package])
        for site in sites:
            if site.package == package:
                total = sum(weights.get(sign, 0.0) for sign in site.signs)
                judged.append((1 / (1 + math.exp(-total)), site.is_right))
    return judged


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn the weights of the evidence for a place like the example.")
    parser.add_argument("--packages", type=Path, help="the folder of the archives; default: fetch them")
    parser.add_argument("--limit", type=int, help="so many cases of each language")
    options = parser.parse_args()
    releases = read_releases("tuning", options.packages)
    cases = draw_cases(releases, options.limit)
    sites: list[JudgedSite] = []
    for texts in tqdm(releases, unit="release", file=sys.stderr, disable=None):
        sites += collect(texts, [case for case in cases if case.release == texts.title])
    for sign, weight in fit(sites).items():
        if abs(weight) >= _LEAST_WEIGHT:
            print(f'    "{sign}": {weight:.2f},')
    judged = held_out(sites)
    for level in _LEVELS:
        above = [is_right for confidence, is_right in judged if confidence >= level]
        share = f"{sum(above) / len(above):.2f} of {len(above)} sites right" if above else "no site"
        print(f"from {level:.1f} on: {share}")


if __name__ == "__main__":
    main()
