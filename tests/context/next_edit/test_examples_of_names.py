"""A change of a name, a member or a parameter is made anew at other places that use the same thing."""

import pytest

from tests.context.next_edit.typing_user import TypingUser


@pytest.fixture(autouse=True)
def _all_signs_speak_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)


def changed(path: str, before: str, *changes: tuple[str, str]) -> str:
    """Return the text after the changes, each at the first place that has its old text, and all that is proposed."""
    user = TypingUser({path: before})
    for old, new in changes:
        start = user.text.index(old)
        user.become(path, start, start + len(old), new)
    user.cursor = 0  # the last word is not being typed any more
    user.accept_all()
    return user.text


def test_a_parameter_goes_from_each_function_of_the_name_though_it_is_used_there() -> None:
    header = "add(self, node, *, preview: bool):"
    before = "".join(f"class {name}:\n    def {header}\n        return preview\n\n\n" for name in ("A", "B"))
    assert changed("a.py", before, (header, "add(self, node):")).count("add(self, node):") == 2


def test_a_line_that_gives_a_parameter_another_value_goes_though_it_is_used() -> None:
    line = "    shape = _moved_shape(shape, shift)\n"
    before = "".join(f"def {n}(shape, shift):\n{line}    return fill_{n}(shape)\n\n\n" for n in ("one", "two"))
    assert "_moved_shape" not in changed("a.py", before, (line, ""))
    variable = before.replace("(shape, shift):", "(shift):").replace("(shape, shift)", "(shift)")
    assert changed("a.py", variable, (line.replace("shape, ", ""), "")).count("_moved_shape") == 1


def test_an_import_that_is_used_stays() -> None:
    body = "    from m.n import Name\n    return Name\n"
    before = f"def f():\n{body}\n\ndef g():\n{body}"
    assert changed("a.py", before, (body, "    return 1\n")).count("import") == 1


@pytest.mark.parametrize(("member", "count"), [("one", 2), ("two", 1)])
def test_a_module_becomes_another_one_only_for_the_same_member(member: str, count: int) -> None:
    before = f"import first_module\n\na = first_module.one(1)\nb = first_module.{member}(2)\n"
    both = "import first_module\nimport second_module\n"
    changes = (("import first_module\n", both), ("a = first_module", "a = second_module"))
    assert changed("a.py", before, *changes).count("= second_module.") == count


@pytest.mark.parametrize(("member", "count"), [("three()", 3), ("table[0]", 2), ("Three()", 2), ("THREE", 2)])
def test_a_module_becomes_another_one_for_all_members_of_the_form_of_two(member: str, count: int) -> None:
    before = (
        f"import old_module\nimport new_module\n\na = old_module.one()\nb = old_module.two()\nc = old_module.{member}\n"
    )
    changes = (("a = old_module", "a = new_module"), ("b = old_module", "b = new_module"))
    assert changed("a.py", before, *changes).count("= new_module.") == count


def test_words_go_from_an_equal_line() -> None:
    body = "    target = unwrap(self.fn.value)\n    return target.name\n"
    before = "".join(f"def {name}(self):\n{body}\n\n" for name in ("first", "second"))
    assert ".value" not in changed("a.py", before, (".value", ""))


OBJECTS = {
    "an object of the file": ("a.py", "tool = load()\ntool.magic(1)\n{}\n", "tool.magic(2)", "tool.run(2)"),
    "an object from elsewhere": ("a.py", "def f():\n    tool.magic(1)\n    {}\n", "tool.magic(2)", "tool.run(2)"),
    "a namespace": (
        "a.ts",
        'import * as core from "./core.js"\nconst a = core.magic(1)\n{}\n',
        "const b = core.magic(2)",
        "const b = core.run(2)",
    ),
    "a receiver": (
        "a.go",
        "package a\n\nfunc (b *B) f() {{\n\tb.magic(1)\n}}\n\nfunc (b *B) g() {{\n\t{}\n}}\n",
        "b.magic(2)",
        "b.run(2)",
    ),
}


@pytest.mark.parametrize(("path", "text", "old", "new"), OBJECTS.values(), ids=OBJECTS)
def test_a_member_of_one_object_follows(path: str, text: str, old: str, new: str) -> None:
    assert changed(path, text.format(old), ("magic", "run")) == text.format(new).replace("magic", "run")


def test_a_member_of_two_objects_does_not_follow() -> None:
    before = "def f():\n    tool = A()\n    tool.magic(1)\n\n\ndef g():\n    tool = B()\n    tool.magic(1)\n"
    assert changed("a.py", before, ("magic", "run")).count("run") == 1


def test_a_type_parameter_is_one_of_each_signature() -> None:
    functions = "".join(f"const {n} = <A extends string>(\n  self: Matcher<A>\n) => self\n\n" for n in ("one", "two"))
    before = f"{functions}type Kept<Ret> = Ret\n"
    after = changed("a.ts", before, ("  self: Matcher<A>\n", "  self: Matcher<A, Ret>\n"))
    assert after.count("self: Matcher<A, Ret>") == 2


def test_a_name_that_will_be_imported_for_the_example_comes_elsewhere_too() -> None:
    before = "".join(f"def {n}(\n    source: type[Any],\n):\n    pass\n\n\n" for n in ("one", "two"))
    new = "    _source: type[Any],\n    _handler: Handler,\n"
    assert changed("a.py", before, ("    source: type[Any],\n", new)).count("_handler: Handler") == 2


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ([("one_backend", "one_core")], 1),
        ([("one_backend", "one_core"), ("one_backend", "one_core")], 3),
        ([("one_backend(self) -> str", "one_core(self) -> Core")], 3),
    ],
    ids=["in one class", "in two classes", "with its type"],
)
def test_the_definition_of_a_member_changes_in_other_classes(changes: list[tuple[str, str]], count: int) -> None:
    line = "    def one_backend(self) -> str:\n        return 'a'\n"
    before = "".join(f"class {name}:\n{line}\n\n" for name in ("A", "B", "C"))
    assert changed("a.py", f"{before}def one_backend(self) -> str: ...\n", *changes).count("one_core(self)") == count


def test_a_member_that_two_classes_have_by_its_new_name_stays_in_the_second() -> None:
    line = "    SIZE = 1\n"
    before = f"class A:\n{line}\n\nclass B:\n{line}\n\nclass C:\n{line}    LENGTH = 2\n"
    assert changed("a.py", before, ("SIZE", "LENGTH"), ("SIZE", "LENGTH")).count("SIZE") == 1


FAR = "\n" * 40


def test_a_name_that_is_defined_no_more_becomes_the_one_that_came_for_it() -> None:
    old, new = "def _load(x, y):\n    return x\n", "def fetch(x):\n    return x\n"
    before = f"{old}{FAR}one = g(_load(1))\ntwo = h(_load(2))\n{FAR}# the end\n"
    after = changed("a.py", before, (old, ""), ("# the end\n", new), ("(_load", "(fetch"))
    assert "two = h(fetch(2))" in after


def test_a_name_under_which_an_import_is_no_more_known_becomes_the_new_one() -> None:
    old = "from git.util import join_path\nimport git.diff as diff\nfrom .fun import (\n    one,\n    two\n)\n"
    new = "\nfrom git.util import List, join_path\nimport git.diff as git_diff\nfrom .fun import one, two\n"
    before = f"import re\n{old}{FAR}class Tree(diff.Diffable):\n    pass\n"
    assert "class Tree(git_diff.Diffable):" in changed("a.py", before, (old, new))


@pytest.mark.parametrize(("is_new", "count"), [(True, 2), (False, 1)])
def test_what_the_user_brings_into_the_file_takes_the_place_of_another_name(is_new: bool, count: int) -> None:
    """Not what the file had before: it is another thing than the old name, and both are used."""
    old, new = "from m import OldError\n", "from m import OldError\nfrom n import NewError\n"
    uses = "def f(x):\n    raise OldError(x)\n\n\ndef g(x):\n    raise OldError(x)\n"
    brought = [(old, new)] if is_new else []
    after = changed("a.py", f"{old if is_new else new}{FAR}{uses}", *brought, ("raise OldError", "raise NewError"))
    assert after.count("raise NewError(x)") == count


def test_a_parameter_that_is_used_by_its_new_name_is_so_in_other_functions() -> None:
    before = "".join(f"def {n}(cls, __value: Any):\n    return cls(__value)\n\n\n" for n in ("one", "two", "three"))
    new = "(cls, value: Any, /):\n    return cls(value)"
    user = TypingUser({"a.py": before})
    for _ in range(2):
        start = user.text.index("(cls, __value")
        old = "(cls, __value: Any):\n    return cls(__value)"
        user.become("a.py", start, start + len(old), new)
    places = {user.text[one.start - 4 : one.end] for one in user.propose()}
    assert "cls(__value" in places


def test_a_parameter_of_several_lambdas_is_renamed_in_the_next_ones() -> None:
    before = "".join(f"add({n}, lambda part, key: part.has(key) or part.name)\n" for n in range(5))
    user = TypingUser({"a.py": before})
    for _ in range(3):
        start = user.text.index("lambda part, key: part.has(key) or part.name")
        old, new = "lambda part, key: part.has(key) or part.name", "lambda item, key: item.has(key) or item.name"
        user.become("a.py", start, start + len(old), new)
    assert {(one.text, user.text[one.start - 7 : one.start]) for one in user.propose()} >= {("item", "lambda ")}


@pytest.mark.parametrize(("behind", "count"), [("c: str,", 2), ("d: int,", 1)])
def test_a_name_follows_where_its_line_and_the_words_around_are_equal(
    behind: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("context.next_edit.by_example.confidence_of", lambda _: 0.9)
    header = "(\n    a: int,\n    b: Part,\n    {}\n): ...\n"
    functions = [f"def {name}{header.format(last)}" for name, last in (("one", "c: str,"), ("two", behind))]
    user = TypingUser({"a.py": "\n\n".join(["from m import Part  # or Item\n", *functions])})
    user.replace("def one(\n    a: int,\n    b: Part", "def one(\n    a: int,\n    b: Item")
    user.accept_all()
    assert user.text.count("b: Item") == count
