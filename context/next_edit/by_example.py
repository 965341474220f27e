"""The rule of one example: places that look as one place did before the user's last edits changed it."""

import keyword
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from context.documents.document import Document
from context.documents.edits import Edit
from context.documents.snapshot import Snapshot
from context.next_edit.chunks import Chunk, Part, chunks_of
from context.next_edit.evidence import Evidence, confidence_of, kind_of, lines_below_cursor
from context.next_edit.meaning import (
    is_bound_no_more,
    is_given_anew,
    is_in_equal_lines,
    is_of_another_class,
    is_parameter_of_another_function,
    means_the_same,
    stands_for_one_thing,
    takes_what_came,
)
from context.next_edit.names.in_text import is_in_text
from context.next_edit.names.members_behind import form_of, member_behind
from context.next_edit.names.resolve_names import find_word, is_bound
from context.next_edit.patterns import pattern_of
from context.next_edit.proposal import Proposal, Rule
from context.next_edit.repeated import files_left, function_around
from context.next_edit.replacements import Span, typed_spans
from context.next_edit.sites import Site, find_sites
from context.next_edit.workspace.known_names import gives_what_comes, loses_what_means_nothing
from context.next_edit.workspace.next_file import is_member_in_next_file
from context.next_edit.workspace.workspace_files import WorkspaceFiles, languages_with

_MAX_EDITS = 12
_MAX_OPEN_DOCUMENTS = 4
_MAX_CHECKED = 16  # sites, the surest first
_MAX_FOUND = 6
_LEAST_CONFIDENCE = 0.6
_LEAST_OF_NAME = 0.5  # of a name that was changed twice and stands for one thing of its file at both places
_TOLD_BY_LINES = frozenset({"name", "beside"})  # kinds of which equal lines say more than the scopes
# What several changes of one function say beside equal words, of any expression, or of what came or went, they say of
# other functions too, and so do whole lines from this confidence on.
_OF_ALL_FUNCTIONS = frozenset({"beside", "hole", "insertion", "deletion"})
_SURE_LINES = 0.84
_SAME_MEMBER = 2  # tokens behind a name that are those of the example: the dot and the member
_LIKELY = 0.25  # from here on a model may look at a place
_WHOLE_WORDS = frozenset({"null", "undefined", "true", "false", "nil"})  # of other languages than Python


@dataclass(frozen=True)
class _Example:
    """A change of the edit with this number, 0 for the last one, that stands in the document from `start` on."""

    number: int
    edit: Edit
    chunk: Chunk
    document: Document
    start: int


@dataclass(frozen=True)
class _Candidate:
    evidence: Evidence
    example: _Example
    local_to: tuple[int, int] | None  # the lines of the function in which all of several examples are
    functions: int  # in which the examples are
    members: Set[str]  # what stands behind the examples

    @property
    def is_name(self) -> bool:
        return kind_of(self.evidence.site.pattern) == "name"


def find_by_example(
    edits: Sequence[Edit], snapshot: Snapshot, files: WorkspaceFiles, *, is_unsure_wanted: bool = False
) -> list[Proposal]:
    """Return the places that may change as one did, the surest first; of places that overlap, the surest.

    `is_unsure_wanted` returns those too that are too unsure to be proposed, for a model to look at.
    """
    found: list[Proposal] = []
    for _, proposal in fitting_sites(edits, snapshot, files, _LIKELY if is_unsure_wanted else _LEAST_CONFIDENCE):
        if any(map(proposal.touches, found)):
            continue
        found.append(proposal)
        if len(found) == _MAX_FOUND:
            break
    return found


def fitting_sites(
    edits: Sequence[Edit], snapshot: Snapshot, files: WorkspaceFiles, least_confidence: float
) -> Iterator[tuple[Evidence, Proposal]]:
    """Yield the sites where the change means what it means at its example, the surest first, with what speaks for them.

    `evaluation.next_edit.fit_evidence` learns from all of them how sure they are.
    """
    typed = {document.path: typed_spans(edits, document) for document in files.open.values()}
    examples = list(_examples(edits, snapshot, files))
    sure = [(confidence_of(one.evidence), one) for one in _candidates(edits, examples, snapshot, files, typed)]
    least_of_name = min(_LEAST_OF_NAME, least_confidence)
    sure = [
        (confidence, one)
        for confidence, one in sure
        if confidence >= (least_of_name if one.is_name else least_confidence)
    ]
    for confidence, one in sorted(sure, key=lambda each: -each[0])[:_MAX_CHECKED]:
        site = one.evidence.site
        if _fits(one, typed[site.document.path], confidence, is_sure=confidence >= least_confidence):
            yield (
                one.evidence,
                Proposal(site.document, site.start, site.end, site.text, Rule.REPEATED, confidence),
            )


def _examples(edits: Sequence[Edit], snapshot: Snapshot, files: WorkspaceFiles) -> Iterator[_Example]:
    """Yield the changes of code of the last edits, without one whose last word is still being typed."""
    for number, edit in enumerate(edits[:_MAX_EDITS]):
        document = files.open.get(edit.path)
        if document is None or not edit.stands(document):
            continue
        starts = (*document.line_starts, len(document.text))
        for chunk in chunks_of(edit):
            example = _Example(number, edit, chunk, document, starts[edit.first_line] + chunk.start)
            if (not edit.new_lines or _is_code(example)) and not _is_being_typed(example, snapshot):
                yield example


def _is_code(example: _Example) -> bool:
    """Return whether the new text is code: also a string that a name became, as where a type is put in quotes."""
    if not is_in_text(example.document, example.start):
        return True
    is_quoted = example.chunk.text[:1] in ("'", '"') and not is_in_text(example.document, max(0, example.start - 1))
    return is_quoted and any(str(part).isidentifier() for part in example.chunk.old)


def _is_being_typed(example: _Example, snapshot: Snapshot) -> bool:
    """Return whether the cursor touches the last new word, which the document has nowhere else."""
    new = example.chunk.came
    if example.document.path != snapshot.document.path or not new:
        return False
    word, end = new[-1], example.start + len(example.chunk.text)
    if not isinstance(word, str) or not word.isidentifier() or not end - len(word) <= snapshot.cursor <= end:
        return False
    if keyword.iskeyword(word) or word in _WHOLE_WORDS:
        return False
    return len(list(find_word(example.document.text, word))) <= new.count(word)


def _candidates(
    edits: Sequence[Edit],
    examples: Sequence[_Example],
    snapshot: Snapshot,
    files: WorkspaceFiles,
    typed: dict[str, list[Span]],
) -> Iterator[_Candidate]:
    groups: dict[tuple[tuple[Part, ...], tuple[Part, ...]], list[_Example]] = {}
    for example in examples:
        groups.setdefault((example.chunk.old, example.chunk.new), []).append(example)
    names: Counter[tuple[Part, ...]] = Counter(old for old, new in groups if len(old) == len(new) == 1)
    done: set[tuple[object, ...]] = set()
    for (old, _), group in groups.items():
        if names[old] > 1:  # one name became several others
            continue
        local_to = _function_of(group)
        functions = len({function_around(one.document, one.start) for one in group}) if len(group) > 1 else 1
        members = {member_behind(one.document, one.start + len(one.chunk.text)) for one in group}
        left = files_left((example.document for example in group), edits)
        for example in group:
            pattern = pattern_of(example.edit, example.chunk, example.document)
            key = (pattern.chunk.old, pattern.chunk.new, pattern.before, pattern.behind) if pattern else ()
            if pattern is None or key in done:
                continue
            done.add(key)
            sites = [
                site
                for other in _documents(example.document, example.chunk, files, edits[0].path)
                if other.path not in left
                for site in find_sites(pattern, other, example.start if other is example.document else 0)
                if not _is_typed(site, typed[other.path]) and site.text != other.text[site.start : site.end]
            ]
            unbound = {
                path: loses_what_means_nothing(example.chunk.old, example.chunk.new, files.open[path])
                for path in {site.document.path for site in sites}
            }
            for site in sites:
                evidence = Evidence(
                    site,
                    len(group),
                    len(sites),
                    is_in_last_file=site.document.path == edits[0].path,
                    means_nothing=unbound[site.document.path],
                    is_passed=_is_passed(site, group, edits),
                    below_cursor=lines_below_cursor(site, snapshot),
                )
                yield _Candidate(evidence, example, local_to, functions, members)


def _is_passed(site: Site, examples: Sequence[_Example], edits: Sequence[Edit]) -> bool:
    """Return whether the user changed one of the examples above the site, and then something else below it."""
    path = site.document.path
    above = (one.number for one in examples if one.edit.path == path and one.edit.first_line < site.line)
    later = edits[: max(above, default=0)]
    alike = {one.number for one in examples}
    return any(
        edit.path == path and edit.first_line > site.line and number not in alike for number, edit in enumerate(later)
    )


def _function_of(examples: Sequence[_Example]) -> tuple[int, int] | None:
    """Return the lines of the function in which several examples are; None for one example or several functions."""
    if len({(one.document.path, one.document.position_at(one.start)[0]) for one in examples}) == 1:
        return None
    found = {function_around(one.document, one.start, is_in_body=True) for one in examples}
    return found.pop() if len(found) == 1 else None


def _documents(document: Document, chunk: Chunk, files: WorkspaceFiles, last: str) -> Iterator[Document]:
    """Yield the documents that may repeat a change: its own, and the other open ones.

    For a change of one token, that is the one alone with the `last` edit.
    """
    yield document
    others = [other for other in files.open.values() if other.path != document.path]
    if len(chunk.old) == 1:
        others = [other for other in others if other.path == last]
    for other in others[:_MAX_OPEN_DOCUMENTS] if chunk.old else ():
        if other.language in languages_with(document.language):
            yield other


def _is_typed(site: Site, typed: Sequence[Span]) -> bool:
    """Return whether the site would change what the last edits have put there."""
    return any(site.start < end and start < site.end for start, end in typed)


def _fits(candidate: _Candidate, typed: Sequence[Span], confidence: float, *, is_sure: bool) -> bool:
    """Return whether the change means at the site what it means at its example.

    A name of which the signs are not sure has to be changed twice, and to stand for one thing of its file both times.
    """
    site, example = candidate.evidence.site, candidate.example.start
    kind = kind_of(site.pattern)
    is_of_all = kind in _OF_ALL_FUNCTIONS or (kind == "lines" and confidence >= _SURE_LINES)
    around = candidate.local_to if not is_of_all else None
    is_string = str(site.pattern.chunk.old[0])[0] in "\"'`"
    is_away = around is not None and not around[0] <= site.line <= around[1]
    if is_away or (not is_string and is_in_text(site.document, site.start)):
        return False
    if is_sure and kind in _TOLD_BY_LINES and is_in_equal_lines(site):
        return True
    if len(site.pattern.chunk.old) == 1 and site.document is not candidate.example.document:
        return kind == "member" and _is_member_elsewhere(candidate)
    if candidate.is_name:
        if _is_other_member(site, candidate.members):
            return False
        if candidate.evidence.examples > 1 and stands_for_one_thing(site, example):
            return True
        if candidate.functions > 1 and is_parameter_of_another_function(site, example):
            return True
        if is_bound_no_more(site, example):
            return True
        is_told = candidate.evidence.examples > 1 or site.is_equal_line
        if is_told and is_of_another_class(site, example, typed):
            return True
        return is_sure and (is_given_anew(site, typed) or takes_what_came(site, example, typed))
    chunk, document = site.pattern.chunk, site.document
    is_new_code = site.pattern.beside is not None  # which says nothing of what was there
    if not is_new_code and gives_what_comes(chunk.old, chunk.new, document, function_around(document, site.start)):
        return False
    return means_the_same(site, example, candidate.example.document, candidate.evidence.examples)


def _is_member_elsewhere(candidate: _Candidate) -> bool:
    """Return whether the member is that of the example, from which the file of the example took all there were."""
    site = candidate.evidence.site
    pattern, changed = site.pattern, candidate.example.document
    old, new = str(pattern.chunk.old[0]), str(pattern.chunk.new[0])
    owner = pattern.before[1] if len(pattern.before) > 1 and site.left > 1 else ""
    return is_member_in_next_file(old, new, owner, site.document, changed, is_once=candidate.evidence.examples == 1)


def _is_other_member(site: Site, members: Set[str]) -> bool:
    """Return whether the name stands before another member than at the examples, and the file has both names.

    Where these have several `members`, all of their form are meant.
    """
    pattern = site.pattern
    names = (str(pattern.chunk.old[0]), str(pattern.chunk.new[0]))
    is_other = pattern.behind[:1] == (".",) and site.right < _SAME_MEMBER
    if not is_other or not all(is_bound(site.document, name) for name in names):
        return False
    form = form_of(member_behind(site.document, site.end))
    return len({member.strip("(") for member in members}) == 1 or form not in map(form_of, members)
