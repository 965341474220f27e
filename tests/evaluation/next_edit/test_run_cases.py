"""A case is what an editor's session would know: buffers, edits, and the other files on the disk."""

from collections.abc import Sequence

from context.documents.document import Document
from evaluation.next_edit.cases import Case, all_cases, diff_files, quiet_cases
from evaluation.next_edit.causes import MadeHunk
from evaluation.next_edit.figures import figures_of, to_table
from evaluation.next_edit.hunks import FileDiff
from evaluation.next_edit.release_folder import CaseState, Texts
from evaluation.next_edit.run_cases import Answer, run_cases
from evaluation.next_edit.typist import Typist, replacements
from lsp_server.next_edit.next_edit import NextEdit, Source
from tests.evaluation.next_edit.made_up_releases import (
    NAME,
    NEW,
    NEW_MAIN,
    NEW_TOOLS,
    OLD,
    OLD_MAIN,
    OLD_TOOLS,
    made_up_diffs,
    made_up_texts,
)

TOOLS, MAIN = "package/tools.py", "package/main.py"


def all_of_them() -> list[Case]:
    diffs = made_up_diffs()
    return [*all_cases(NAME, diffs), *quiet_cases(NAME, diffs)]


def test_typing_makes_the_hunks_and_leaves_one_edit_for_each_that_is_apart() -> None:
    diff = FileDiff(TOOLS, "python", OLD_TOOLS, NEW_TOOLS)
    typist = Typist()
    document, cursor = typist.make([MadeHunk(diff, index) for index in range(len(diff.hunks))], 8, "python")
    assert document.text == NEW_TOOLS
    assert document.text[:cursor].endswith("total(rows, 0")
    newest = typist.edits.recent()[0]
    assert newest.old_lines == ("    value = total(rows)\n",)
    assert newest.new_lines == ("    value = total(rows, 0)\n",)
    assert typist.edits.recent()[-1].old_lines == ("def read_row(text):\n",)


def test_only_the_last_hunks_are_typed() -> None:
    diff = FileDiff(TOOLS, "python", OLD_TOOLS, NEW_TOOLS)
    typist = Typist()
    document, _ = typist.make([MadeHunk(diff, index) for index in range(len(diff.hunks))], 1, "python")
    assert document.text == NEW_TOOLS
    assert len(typist.edits.recent()) == 1


def test_replacements_are_made_one_after_the_other() -> None:
    text = "a = f(b, c)\n"
    for start, end, put in replacements(text, "a = g(b)\n# x\n"):
        text = text[:start] + put + text[end:]
    assert text == "a = g(b)\n# x\n"


def test_a_state_has_the_files_that_are_done_as_new_and_the_others_as_old() -> None:
    seen: list[tuple[str, str, str, set[str]]] = []

    def look(state: CaseState) -> Sequence[NextEdit]:
        view, document = state.view, state.snapshot.document
        seen.append(
            (document.path, view.whole_text(TOOLS), view.whole_text(MAIN), view.existing(NEW.keys() | OLD.keys()))
        )
        assert [other.path for other in state.snapshot.open_documents] in ([], [TOOLS])
        assert {edit.path for edit in state.edits} <= {TOOLS, MAIN}
        return ()

    answers = list(run_cases(made_up_texts(), all_of_them(), look))
    every = {*NEW, "package/gone.py"}
    assert [(path, files == every) for path, _, _, files in seen if files != set(NEW)] == [
        (answer.case.path, True) for answer in answers if not answer.case.is_quiet
    ]
    assert seen[0][2] == OLD_MAIN
    assert seen[0][1] == OLD_TOOLS.replace("def read_row", "def split_row")
    assert {(tools, main) for _, tools, main, files in seen if files == set(NEW)} == {(NEW_TOOLS, NEW_MAIN)}
    assert {tools for path, tools, _, _ in seen if path == MAIN} == {NEW_TOOLS}


def test_a_file_that_is_done_is_new_on_the_disk_also_when_no_editor_has_it_open() -> None:
    old = {f"{name}.py": "a = 1\nb = 2\nc = 3\n" for name in "xyz"}
    new = {path: text.replace("1", "one()").replace("3", "three(4)") for path, text in old.items()}
    texts = Texts("r", "python", old, new)
    seen: list[list[str]] = []

    def look(state: CaseState) -> Sequence[NextEdit]:
        seen.append([state.view.whole_text(path) for path in old])
        return ()

    list(run_cases(texts, list(all_cases("r", diff_files(old, new, "python"))), look))
    half = "a = one()\nb = 2\nc = 3\n"
    assert seen == [
        [half, old["y.py"], old["z.py"]],
        [new["x.py"], half, old["z.py"]],
        [new["x.py"], new["y.py"], half],
    ]


def propose(document: Document, old: str, text: str) -> NextEdit:
    start = document.text.index(old)
    return NextEdit(document, start, start + len(old), text, Source.RULE, "rename", 0.9)


def test_an_answer_is_found_when_one_of_the_first_three_is_right_in_a_target() -> None:
    asked: list[CaseState] = []

    def find(state: CaseState) -> Sequence[NextEdit]:
        asked.append(state)
        main = Document(MAIN, OLD_MAIN, "python", 0)
        wrong, right = propose(main, "rows", "lines"), propose(main, "read_row", "split_row")
        return {1: (wrong, wrong, right), 2: (wrong, wrong, wrong, right)}.get(len(asked), ())

    first, second, *_ = list(run_cases(made_up_texts(), all_of_them(), find))
    assert first.case.cause.value == "rename"
    assert (first.right, first.found, first.found_next) == ((False, False, True), True, True)
    assert first.shown[2] == "rename: package/main.py:1 'read_row' -> 'split_row'"
    assert not second.found

    def find_second(state: CaseState) -> Sequence[NextEdit]:
        document = state.snapshot.document
        return (propose(document, "b.get", "b.find"),) if "b.get" in document.text else ()

    old = {"x.py": "a.get(1)\nx\nc.get(1)\nx\nb.get(1)\n"}
    new = {"x.py": old["x.py"].replace("get", "find")}
    (answer, *_) = run_cases(
        Texts("r", "python", old, new), list(all_cases("r", diff_files(old, new, "python"))), find_second
    )
    assert (answer.found, answer.found_next, answer.exact) == (True, False, True)


def test_a_right_edit_beside_the_lines_that_follow_is_not_found() -> None:
    old = {"x.py": "def run(x):\n    pass\n\nother = 1\nrun(2)\n"}
    new = {"x.py": "def go(x):\n    pass\n\nanother = 1\ngo(2)\n"}
    texts, diffs = Texts("r", "python", old, new), diff_files(old, new, "python")
    for changed, text, is_found in (("other", "another", False), ("run", "go", True)):

        def find(state: CaseState, old: str = changed, new: str = text) -> Sequence[NextEdit]:
            return (propose(state.snapshot.document, old, new),)

        (answer,) = run_cases(texts, list(all_cases("r", diffs)), find)
        assert (answer.right, answer.found) == ((True,), is_found)


def test_the_figures_of_the_quiet_are_their_own() -> None:
    def find(state: CaseState) -> Sequence[NextEdit]:
        main = Document(MAIN, OLD_MAIN, "python", 0)
        return (propose(main, "rows", "lines"),) if state.view.existing(["package/gone.py"]) else ()

    answers = list(run_cases(made_up_texts(), all_of_them(), find))
    figures = figures_of(answers)
    assert figures["all"]["n"] == len(answers)
    assert figures["rename"]["right_of_shown"] == 0
    assert figures["quiet"]["quiet_rate"] == 1
    assert figures["quiet"]["found_in_3"] is None
    assert "| quiet | 2 | – |" in to_table(figures)


def test_the_figures_are_shares_of_what_they_say() -> None:
    cases = all_of_them()
    caused, quiet = cases[0], cases[-1]

    def answer(case: Case, right: tuple[bool, ...], found: bool, ms: float) -> Answer:
        return Answer(case, "python", ("",) * len(right), right, right, found, False, found, 0.5, ms)

    figures = figures_of(
        [
            answer(caused, (True, False, False), True, 1.0),
            answer(caused, (False,), False, 2.0),
            answer(caused, (), False, 3.0),
            answer(quiet, (False,), False, 4.0),
            answer(quiet, (), False, 5.0),
        ]
    )["all"]
    expected = {"n": 5, "found_in_3": 0.3333, "right_of_shown": 0.3333, "quiet_rate": 0.5, "p95_ms": 5.0, "p50_ms": 3.0}
    assert expected.items() <= figures.items()
    assert {"right_of_first_3": 0.2, "shown_rate": 0.6667, "exact_match": 0.3333}.items() <= figures.items()
