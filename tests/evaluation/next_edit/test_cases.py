"""The cases of two releases: their order, their history, what may come next, and why."""

import pytest

from evaluation.next_edit.cases import Case, all_cases, diff_files, draw, order_hunks, quiet_cases
from evaluation.next_edit.causes import Cause, MadeHunk, cause_of
from evaluation.next_edit.hunks import FileDiff
from tests.evaluation.next_edit.made_up_releases import NAME, NEW, OLD, made_up_diffs

TOOLS, MAIN = "package/tools.py", "package/main.py"


def cases() -> list[Case]:
    return list(all_cases(NAME, made_up_diffs()))


def cause(old: str, new: str, language: str = "python") -> Cause:
    """The cause of the last hunk in those before it."""
    diff = FileDiff("file", language, old, new)
    *made, last = (MadeHunk(diff, index) for index in range(len(diff.hunks)))
    assert made, "the texts have one hunk alone"
    return cause_of(diff, last.hunk.changes, made)


def test_any_hunks_can_be_made_and_all_of_them_make_the_new_release() -> None:
    diff = FileDiff(TOOLS, "python", OLD[TOOLS], NEW[TOOLS])
    assert diff.text_with(()) == OLD[TOOLS]
    assert diff.text_with(range(len(diff.hunks))) == NEW[TOOLS]
    for index, hunk in enumerate(diff.hunks):
        others = set(range(len(diff.hunks))) - {index}
        lines = diff.text_with(others).split("\n")
        first = diff.first_line(index, others)
        assert lines[first : first + hunk.end - hunk.start] == OLD[TOOLS].split("\n")[hunk.start : hunk.end]


def test_a_file_comes_after_those_that_it_imports_and_new_and_gone_files_are_no_diffs() -> None:
    assert list(made_up_diffs()) == [TOOLS, MAIN]


def test_the_first_changed_definition_is_made_first_and_what_is_above_it_last() -> None:
    old = "x = run(1)\n\n\ndef other(): pass\n\n\ndef run(a):\n    return a\n\n\ny = run(2)\n"
    diff = FileDiff("a.py", "python", old, old.replace("run", "start"))
    assert [hunk.index for hunk in order_hunks(diff)] == [1, 2, 0]


def test_a_renamed_function_has_its_uses_in_other_files_as_targets() -> None:
    first = cases()[0]
    assert (first.path, first.made, first.cause) == (TOOLS, (0,), Cause.RENAME)
    assert [(target.path, target.hunk, target.start, target.end) for target in first.targets] == [
        (MAIN, 0, 0, 1),
        (MAIN, 0, 2, 3),
    ]


def test_only_the_lines_of_a_hunk_that_follow_are_targets() -> None:
    old = "def run(x):\n    pass\n\nrun(1)\nother = 1\nrun(2)\n"
    new = old.replace("run", "go").replace("other = 1", "another = 2")
    (case,) = all_cases("r", diff_files({"a.py": old}, {"a.py": new}, "python"))
    assert [(target.start, target.end) for target in case.targets] == [(3, 4), (5, 6)]


def test_a_case_knows_the_files_that_are_done_and_the_one_before() -> None:
    of_main = [case for case in cases() if case.path == MAIN]
    assert {(case.done, case.before) for case in of_main} == {(frozenset({TOOLS}), TOOLS)}
    assert of_main[0].cause is Cause.SIGNATURE  # the parameter was added in the file before


def test_a_repeated_change_is_looked_for_in_the_same_file_alone() -> None:
    old = "def run(x):\n    x.get(1)\n    run(x)\n"
    new = old.replace("get", "find").replace("run", "go")
    diffs = diff_files(
        {"a.py": old, "b.py": "run(1)\nx = 1\ny.get(1)\n"}, {"a.py": new, "b.py": "go(1)\nx = 1\ny.find(1)\n"}, "python"
    )
    (case, *_) = all_cases("r", diffs)
    assert [(target.path, target.hunk) for target in case.targets] == [("b.py", 0)]


def test_when_nothing_follows_the_next_hunk_of_the_file_is_the_target() -> None:
    old, new = "a = 1\nb = 2\nc = 3\n", "a = x\nb = 2\nc = y()\n"
    (case,) = all_cases("r", diff_files({"a.py": old}, {"a.py": new}, "python"))
    assert (case.cause, [target.hunk for target in case.targets]) == (Cause.NONE, [1])


def test_a_quiet_case_has_all_files_done_and_its_own_made() -> None:
    quiet = list(quiet_cases(NAME, made_up_diffs()))
    assert [(case.path, case.done) for case in quiet] == [(TOOLS, frozenset({MAIN})), (MAIN, frozenset({TOOLS}))]
    diffs = made_up_diffs()
    assert all(diffs[case.path].text_with(case.made) == NEW[case.path] and case.is_quiet for case in quiet)


def test_the_drawn_cases_are_the_same_each_time_and_half_of_them_have_a_cause() -> None:
    lines = [f"value_{n} = call_{n}(1)\nkept_{n} = 1\n" for n in range(30)]
    old = "".join(lines)
    new = old.replace("call_1(", "other_1(").replace("call_2(", "other_2(")
    new = "".join(line.replace("(1)", f"({'xyz'[n % 3]}, {n})") for n, line in enumerate(new.splitlines(True)))
    pool = [*cases(), *all_cases("b", diff_files({"a.py": old}, {"a.py": new}, "python"))]
    assert draw(pool, 6, 4) == draw(pool, 6, 4)
    drawn = draw(pool, 6, 4)
    assert len(drawn) == 6
    assert sum(case.cause is Cause.NONE for case in drawn) == 3
    assert len(draw(pool, 20, 4)) == 8  # four of each release


@pytest.mark.parametrize(
    ("language", "old", "new", "expected"),
    [
        ("python", "def run(a):\n    pass\n\nrun(1)\n", "def go(a):\n    pass\n\ngo(1)\n", Cause.RENAME),
        ("python", "run = 1\n# x\nuse(run)\n", "go = 1\n# x\nuse(go)\n", Cause.RENAME),
        ("typescript", "let run = 1\n// x\nuse(run)\n", "let go = 1\n// x\nuse(go)\n", Cause.RENAME),
        ("go", "func (t T) Run() {\n\tx()\n}\nt.Run()\n", "func (t T) Go() {\n\tx()\n}\nt.Go()\n", Cause.RENAME),
        (
            "python",
            "b = 2\n\ndef f(a):\n    pass\n\nf(1)\n",
            "b = 2\n\ndef f(a, b):\n    pass\n\nf(1, b)\n",
            Cause.SIGNATURE,
        ),
        ("python", "def f(a, b):\n    pass\n\nf(1, 2)\n", "def f(a):\n    pass\n\nf(1)\n", Cause.SIGNATURE),
        (
            "python",
            "b = x.b\n\nclass A:\n    def __init__(self):\n        pass\n\nA()\n",
            "b = x.b\n\nclass A:\n    def __init__(self, b):\n        pass\n\nA(x.b)\n",
            Cause.SIGNATURE,
        ),
        (
            "typescript",
            "class A {\n  run(a: number): void {\n    x()\n  }\n}\nconst b = 1\nnew A().run(1)\n",
            "class A {\n  run(a: number, b: string): void {\n    x()\n  }\n}\nconst b = 1\nnew A().run(1, b)\n",
            Cause.SIGNATURE,
        ),
        (
            "go",
            "func Run(a int) {\n\tx()\n}\nctx := y\nRun(1)\n",
            "func Run(ctx Context, a int) {\n\tx()\n}\nctx := y\nRun(ctx, 1)\n",
            Cause.SIGNATURE,
        ),
        ("python", "super(A, self).f()\nx\nsuper(B, self).g()\n", "super().f()\nx\nsuper().g()\n", Cause.REPEATED),
        ("python", "x = a.get(b)\nx\ny = a.get(d)\n", "x = a.find(b)\nx\ny = a.find(d)\n", Cause.REPEATED),
        ("python", "f(a, 1)\nx\nf(b, c, 1)\n", "f(a, 2)\nx\nf(b, c, 2)\n", Cause.REPEATED),
        (
            "python",
            "try:\n    f(a)\nx\ntry:\n    f(a)\n",
            "try:\n    f(a) or b\nx\ntry:\n    f(a) or b\n",
            Cause.REPEATED,
        ),
        # Changes of a line that together are one change of form, with any expression between them.
        (
            "python",
            "a: Optional[int] = b\nx\ndef f(p: int, d: Optional[List[str]]) -> q:\n",
            "a: int | None = b\nx\ndef f(p: int, d: List[str] | None) -> q:\n",
            Cause.REPEATED,
        ),
        ("python", "t.same(a, 1)\nx\nt.same(f(b, 2), 3)\n", "is a == 1\nx\nis f(b, 2) == 3\n", Cause.REPEATED),
        ("python", "a = f(b(1), 2)\nx\na = f(e, 2)\n", "a = f(k(b(1)), 2)\nx\na = f(k(e), 2)\n", Cause.NONE),
        (
            "typescript",
            "let a: List<A>;\nx\nlet b: List<Map<B, C>>;\n",
            "let a: A[];\nx\nlet b: Map<B, C>[];\n",
            Cause.REPEATED,
        ),
        (
            "typescript",
            "let a: List<() => A>;\nx\nlet b: List<(c) => B>;\n",
            "let a: (() => A)[];\nx\nlet b: ((c) => B)[];\n",
            Cause.REPEATED,
        ),
        # …of which one is another, in several lines, around several expressions or none, or with a bracket that stays.
        ("python", "a: Optional[int]\nx\nb: Optional[A]\n", "a: int | None\nx\nb: A | Unset\n", Cause.NONE),
        ("python", "a: Optional[int]\nx\nb: Maybe[A]\n", "a: int | None\nx\nb: A | None\n", Cause.NONE),
        (
            "python",
            "f(a: Optional[A])\nx\nf(b: Optional[\n  A])\n",
            "f(a: A | None)\nx\nf(b:\n  A | None)\n",
            Cause.NONE,
        ),
        ("python", "a = list(b)\nx\na = list(c, d)\n", "a = [b]\nx\na = [c, d]\n", Cause.NONE),
        ("python", "f[a] + g[b]\nx\nf[c] + g[d]\n", "f[a + pick, b]\nx\nf[c + pick, d]\n", Cause.NONE),
        ("python", "f(a, 1)\nx\nf(b, 1)\n", "f(1, a)\nx\nf(1, b)\n", Cause.NONE),
        (
            "python",
            "class A:\n    def f(self):\n        self.a = 1\n\ny()\nx.a\n",
            "class A:\n    def f(self):\n        self.b = 1\n\ny()\nx.b\n",
            Cause.RENAME,
        ),
        # An argument's value cannot be known, or belongs to no parameter that came or went.
        ("python", "def f(a):\n    pass\n\nf(1)\n", "def f(a, b):\n    pass\n\nf(1, 2)\n", Cause.NONE),
        ("python", "def f(a):\n    pass\n\nf(1)\n", "def f(a, b):\n    pass\n\nf(1, b)\n", Cause.NONE),
        ("python", "def f(a, b):\n    pass\n\nf(1, b=2)\n", "def f(b):\n    pass\n\nf(1)\n", Cause.NONE),
        # The old name is still defined, the new one was, or the name is another function's.
        (
            "python",
            "def f(a):\n    x = 1\n    a = strip(a)\n    x = 2\n    use(a)\n",
            "def f(a):\n    x = 1\n    b = strip(a)\n    x = 2\n    use(b)\n",
            Cause.NONE,
        ),
        (
            "python",
            "class A:\n    x = 1\n\nclass B:\n    y = 1\n\nuse(A)\n",
            "class B:\n    x = 1\n\nclass C:\n    y = 1\n\nuse(B)\n",
            Cause.NONE,
        ),
        (
            "python",
            "def f():\n    a = 1\n\ndef g(a):\n    use(a)\n",
            "def f():\n    b = 1\n\ndef g(a):\n    use(b)\n",
            Cause.NONE,
        ),
        # A method of one object tells nothing of another's; an insertion nothing of a place with other words beside it.
        ("python", "a.get(b)\nx\nc.get(d)\n", "a.find(b)\nx\nc.find(d)\n", Cause.NONE),
        ("python", "f = g(a)\nx\nh = g(b)\n", "f = g(a) or k\nx\nh = g(b) or k\n", Cause.NONE),
        # A statement that goes tells nothing of another one, unlike an equal one, or an argument of the same name.
        ("python", "use.run(a)\nx\nuse.run(b)\n", "x\n", Cause.NONE),
        ("python", "use.run(a)\nx\nuse.run(a)\n", "x\n", Cause.REPEATED),
        ("python", "f(\n  size=a,\n)\nx\nf(\n  size=b,\n)\n", "f(\n)\nx\nf(\n)\n", Cause.REPEATED),
        # The new values cannot be known, the changed words say nothing of the place, or something else changes too.
        ("python", "a = f(b)\nx\nc = f(d)\n", "a = f(p)\nx\nc = f(q)\n", Cause.NONE),
        ("python", "a = [b]\nx\nc = e\n", "a = [b, p]\nx\nc = e, p\n", Cause.NONE),
        ("python", "f(a)\nx\nf(a)\n", "f(a,)\nx\nf(a,)\n", Cause.NONE),
        ("python", "def run(a):\n    pass\n\nrun(1)\n", "def go(a):\n    pass\n\ngo(2)\n", Cause.NONE),
        ("python", "def f(a):\n    pass\n\ng(1)\n", "def f(a, b):\n    pass\n\ng(1, 2)\n", Cause.NONE),
        # A hunk of strings and comments alone has no cause.
        ("python", "def run(a):\n    pass\n\n# run\n", "def go(a):\n    pass\n\n# go\n", Cause.NONE),
    ],
)
def test_the_cause_of_a_hunk(language: str, old: str, new: str, expected: Cause) -> None:
    assert cause(old, new, language) is expected
