import pytest

from context.next_edit.proposal import Rule
from tests.context.next_edit.typing_user import TypingUser

SHOP = '''\
"""total of the basket"""

def price(items, total=0):
    for item in items:  # total so far
        total += item.total
    def inner(total):
        return total
    print(f"{total} of total", total=total)
    return total
'''


def test_a_renamed_name_is_followed_through_its_scope_and_nowhere_else() -> None:
    user = TypingUser({"a.py": SHOP})
    user.replace("items, total=0", "items, amount=0")
    assert {proposal.rule for proposal in user.propose()} == {Rule.RENAME}
    assert user.accept_all() == 4
    assert user.text == SHOP.replace("items, total=0", "items, amount=0").replace(
        "        total += item", "        amount += item"
    ).replace('f"{total} of total", total=total', 'f"{amount} of total", total=amount').replace(
        "    return total\n", "    return amount\n"
    ).replace("    def inner(total):\n        return amount", "    def inner(total):\n        return total").replace(
        "        return amount", "        return total"
    )


def test_the_places_behind_the_cursor_come_first() -> None:
    user = TypingUser({"a.py": "def f():\n    print(word)\n\n\nword = 1\nprint(word)\nprint(word)\n"})
    user.replace("word = 1", "term = 1")
    assert [user.text[: proposal.start].count("\n") for proposal in user.propose()] == [5, 6, 1]


@pytest.mark.parametrize("is_left", [True, False])
def test_what_has_lost_its_meaning_gets_the_name_that_the_user_gave_it_once(is_left: bool) -> None:
    first, uses = "import typing\n", "@typing.overload\ndef f(): ...\n\n\n@typing.overload\ndef g(x: t.Any): ...\n"
    user = TypingUser({"a.py": f"{first}import typing as t\n\n\n{uses}"})
    if not is_left:
        user.replace(f"{first}import", "import")
    user.replace("@typing.overload\ndef f", "@t.overload\ndef f")
    user.accept_all()
    assert user.text.endswith(uses.replace("typing", "t", 1 if is_left else 2))


@pytest.mark.parametrize("typed", ["", "b", "bas", "basket_", "bask"])
def test_a_name_that_is_half_typed_or_half_deleted_gives_nothing(typed: str) -> None:
    user = TypingUser({"a.py": "basket = 1\nprint(basket)\n"})
    user.become("a.py", 0, len("basket"), typed)
    assert user.propose() == ()


@pytest.mark.parametrize(("cursor", "count"), [(0, 0), (len("bas"), 0), (len("basket"), 2)])
def test_a_name_that_lost_its_beginning_is_renamed_when_the_cursor_is_behind_it(cursor: int, count: int) -> None:
    user = TypingUser({"a.py": "my_basket = 1\nprint(my_basket, my_basket)\n"})
    user.become("a.py", 0, len("my_basket"), "basket")
    user.cursor = cursor
    assert len(user.propose()) == count


def test_a_member_that_has_its_value_by_another_name_now_is_renamed_where_the_name_was_used_before() -> None:
    text = "class A:\n    def f(self, part):\n        self._part = part\n        return self.part, self._part\n"
    user = TypingUser({"a.py": text})
    user.replace("self._part = part", "self.part = part")
    user.accept_all()
    assert user.text.endswith("return self.part, self.part\n")


def test_a_rename_typed_key_by_key_never_leads_to_a_name_that_is_not_the_new_one() -> None:
    user = TypingUser({"a.py": "def f(basket):\n    return basket\n"})
    start = user.text.index("basket")
    for end in range(start + 5, start - 1, -1):  # backspace
        user.become("a.py", end, end + 1, "")
        assert user.propose() == ()
    for number, letter in enumerate("trolley"):
        user.become("a.py", start + number, start + number, letter)
    (proposal,) = user.propose()
    assert proposal.text == "trolley"
    user.become("a.py", start, start + len("trolley"), "basket")  # the user has changed their mind
    assert user.propose() == ()


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        ("a = one()\nb = two()\nprint(a, b)\n", "a = one", "b = one"),  # `b` is another thing already
        (
            "from m import size\n\ndef f():\n    print(size)\n    print(size)\n",
            "    print(size)\n    p",
            "    print(len)\n    p",
        ),
        ("def f():\n    x = 1\n    print(word)\n    print(word)\n", "print(word)\n    p", "print(x)\n    p"),
        ("value: int = 1\nother: int = 2\n", "value: int", "value: str"),
        (
            "if a:\n    def load(): ...\nelse:\n    def load(): ...\nload()\n",
            "if a:\n    def load",
            "if a:\n    def read",
        ),
        ("def one(): ...\n\n\none()\n", "def one(): ...", "def two(): ...\n\n\ndef one(): ..."),
        ("x = read()\nuse(x)\nx = write()\nuse(x)\n", "x = write", "y = write"),  # the second value has its own name
        # two values get two names, so nobody knows which one the rest gets
        ("x = read()\nuse(x)\nx = write()\nuse(x)\nuse(x)\n", "x = read()\nuse(x)\nx =", "a = read()\nuse(a)\nb ="),
        ("from operator import attrgetter\n\nattrgetter(1)\n", "import attrgetter", "import itemgetter"),
        ("mask = one()\nmask = two(mask)\nuse(mask)\n", "mask = one()\nmask = two(mask)", "i = one()\nmask = two(i)"),
        # the old name stands for something still
        ("def stop(): ...\n\n\nif fast:\n    stop = quick\n\nstop()\n", "def stop", "def stop_now"),
    ],
)
def test_a_change_that_is_no_renaming_gives_nothing(before: str, old: str, new: str) -> None:
    user = TypingUser({"a.py": before})
    user.replace(old, new)
    assert user.propose() == ()


def test_a_chain_that_is_longer_than_the_ring_goes_to_its_end() -> None:
    body = "".join(
        f"\n\ndef f{n}():\n    a = {n}\n    b = 1\n    c = 2\n    d = 3\n    return word\n" for n in range(30)
    )
    user = TypingUser({"a.py": f"word = 1\n{body}"})
    user.replace("word = 1", "term = 1")
    assert user.accept_all() == 30
    assert "word" not in user.text


def test_a_field_is_followed_in_its_class() -> None:
    text = (
        "class A:\n    size = 0\n\n    def grow(self, size):\n        self.size += size\n        return self.size\n\n\n"
        "class B:\n    def grow(self):\n        return self.size\n"
    )
    user = TypingUser({"a.py": text})
    user.replace("    size = 0", "    width = 0")
    assert user.accept_all() == 2
    assert user.text == text.replace("    size = 0", "    width = 0").replace("self.size", "self.width", 2)


def test_a_method_does_not_see_the_names_of_its_class() -> None:
    text = "size = 1\n\n\nclass A:\n    size = 2\n    half = size / 2\n\n    def f(self):\n        return size\n"
    user = TypingUser({"a.py": text})
    user.replace("size = 1", "width = 1")
    assert user.accept_all() == 1
    assert user.text == text.replace("size = 1", "width = 1").replace("return size", "return width")


def test_a_member_that_gets_another_value_too_is_renamed_if_the_names_are_alike() -> None:
    text = (
        "class A:\n    def __init__(self, lines):\n        self._line_iter = peek(lines)\n\n"
        "    def f(self):\n        return self._line_iter\n"
    )
    user = TypingUser({"a.py": text})
    user.replace("_line_iter = peek(lines)", "_lines = Deque(lines)")
    (proposal,) = user.propose()
    assert (proposal.rule, proposal.text) == (Rule.RENAME, "_lines")
    user = TypingUser({"a.py": text})
    user.replace("_line_iter = peek(lines)", "_count = Deque(lines)")
    assert user.propose() == ()


def test_a_function_in_the_place_of_another_one_does_not_rename_it() -> None:
    text = "def as_table(form):\n    return 1\n\n\nprint(as_table(2))\n"
    for new, count in (("as_table_row(form, row)", 1), ("context(form, renderer)", 0)):
        user = TypingUser({"a.py": text})
        user.replace("as_table(form)", new)
        assert len([one for one in user.propose() if one.rule == Rule.RENAME]) == count


def test_of_the_functions_that_come_the_one_with_the_likest_name_is_the_renamed_one() -> None:
    text = "def remove_expired_entries(session):\n    pass\n\n\nremove_expired_entries(1)\n"
    user = TypingUser({"a.py": text})
    user.replace(
        "def remove_expired_entries(session):\n",
        "def remove_refs(session):\n    drop(session)\n\n\ndef remove_expired_entries_of(\n    session,\n):\n",
    )
    assert {one.text for one in user.propose()} <= {"remove_expired_entries_of"}


def test_a_variable_that_gets_another_value_too_is_renamed_where_its_old_name_means_nothing() -> None:
    user = TypingUser({"a.py": "def f(x):\n    db = x.get('db')\n    return run(db)\n"})
    user.replace("db = x.get('db')", "database = x.get('database', x.get('db'))")
    (proposal,) = user.propose()
    assert (proposal.rule, proposal.text) == (Rule.RENAME, "database")


def test_what_the_language_gives_a_meaning_is_not_renamed_with_the_names_beside_it() -> None:
    uses = "".join(f"Map.{name}()\n" for name in "abcd")
    user = TypingUser(
        {"a.ts": f'import * as Dict from "./dict.js"\nDict.z()\n{uses}const x: Map<string, number> = y\n'}
    )
    for name in "abcd":
        user.replace(f"Map.{name}", f"Dict.{name}")
    assert user.propose() == ()


def test_a_parameter_of_a_header_that_changed_elsewhere_too_is_renamed_in_its_function() -> None:
    before = "def f(\n    path: Union[A, str],\n    max_depth: int = -1,\n):\n    return T(path, max_depth)\n"
    user = TypingUser({"a.py": before})
    user.replace(
        "def f(\n    path: Union[A, str],\n    max_depth: int = -1,\n):", "def f(path: Union[A, str], depth: int = -1):"
    )
    user.accept_all()
    assert user.text.endswith("return T(path, depth)\n")


@pytest.mark.parametrize(
    ("statement", "other", "name"),
    [
        ("from m import Old", "from m import load_file", "load_file"),
        ("from m.x import Old", "from m.y import Validation", "Validation"),
        ("from m import Old, other", "from m import load_file, other", "Old"),  # one of several things
    ],
)
def test_what_is_imported_alone_in_the_place_of_another_thing_is_used_for_it(
    statement: str, other: str, name: str
) -> None:
    files = {"m/__init__.py": "def load_file(): ...\n", "m/y.py": "class Validation: ...\n"}
    user = TypingUser({"a.py": f"{statement}\n\n\nclass A(Old): ...\n", **files})
    user.replace(statement, other)
    user.accept_all()
    assert user.text.endswith(f"class A({name}): ...\n")


def test_a_line_that_differs_in_a_name_only_renames_it_among_lines_that_changed_otherwise() -> None:
    before = "from a import join\nimport a.diff as diff\nfrom b import Base\n\nclass Tree(Base, diff.Diffable): ...\n"
    user = TypingUser({"a.py": before})
    user.replace("from a import join\nimport a.diff as ", "\nfrom a import join, split\nimport a.diff as a_")
    user.accept_all()
    assert "class Tree(Base, a_diff.Diffable)" in user.text


def test_the_variable_of_a_loop_is_renamed_up_to_where_its_name_is_given_another_value() -> None:
    before = "def f(items):\n    for x in items:\n        x = x.copy()\n        print(x)\n    return x\n"
    user = TypingUser({"a.py": before})
    user.replace("for x", "for one")
    user.accept_all()
    assert user.text == before.replace("for x", "for one").replace("x.copy", "one.copy")
