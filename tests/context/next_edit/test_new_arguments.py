"""A call writes the argument of a new parameter as it writes its other arguments: by place or by name."""

import pytest

from tests.context.next_edit.typing_user import TypingUser


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("save(a)", "save(a, mode)"),
        ("save(a, size=2)", "save(a, mode=mode, size=2)"),  # as the call writes others
        ("save()", "save(mode=mode)"),
    ],
)
def test_an_optional_argument_is_written_as_the_others_of_its_call(call: str, expected: str) -> None:
    user = TypingUser({"a.py": f"def save(a, size=1):\n    pass\n\n\ndef run(a, mode):\n    {call}\n"})
    user.replace("save(a, size=1):", "save(a, mode=None, size=1):")
    user.accept_all()
    assert f"    {expected}\n" in user.text


def test_an_argument_that_the_user_gave_by_name_is_so_in_other_calls() -> None:
    user = TypingUser({"a.py": "def save(a):\n    pass\n\n\ndef run(a, mode):\n    save(1)\n    save(2)\n"})
    user.replace("save(a):", "save(a, mode=None):")
    user.replace("save(1)", "save(1, mode=mode)")
    user.accept_all()
    assert "save(2, mode=mode)" in user.text


@pytest.mark.parametrize(("other", "expected"), [("g(mode=1)", "save(a, mode=mode)"), ("g(size=1)", "save(a)")])
def test_a_needed_argument_is_a_name_that_the_function_of_the_call_will_have(other: str, expected: str) -> None:
    user = TypingUser({"a.py": f"def save(a):\n    pass\n\n\ndef run(a):\n    save(a)\n    {other}\n"})
    user.replace("save(a):", "save(a, *, mode):")
    user.accept_all()
    assert f"    {expected}\n" in user.text


def test_a_private_member_of_its_name_is_a_value() -> None:
    before = (
        "def save(a):\n    pass\n\n\nclass A:\n    def __init__(self, api):\n        self._api = api\n\n"
        "    def run(self):\n        save(1)\n"
    )
    user = TypingUser({"a.py": before})
    user.replace("save(a):", "save(a, api):")
    user.accept_all()
    assert "save(1, self._api)" in user.text


def test_what_handed_on_a_parameter_that_has_another_name_now_is_not_taken_out() -> None:
    before = "class B(A):\n    def add(self, item, value: int):\n        super().add(item, value)\n"
    user = TypingUser({"a.py": before})
    user.replace("item, value: int):", "item, amount: float):")
    assert not any(one.text == "" for one in user.propose())


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("walk(a, deep=1, **rest)", "walk(a, deep=1, top=top, **rest)"),
        ("walk(a, size=2, **rest)", "walk(a, top=top, size=2, **rest)"),
        ("walk(a, **{'top': 1})", "walk(a, **{'top': 1})"),  # these may hold the new parameter
        ("walk(a, **options)", "walk(a, **options)"),
    ],
)
def test_a_function_that_takes_arguments_of_any_name_is_given_a_new_parameter(call: str, expected: str) -> None:
    before = f"def walk(a, size=1, **rest):\n    pass\n\n\ndef run(a, top, **rest):\n    options = rest\n    {call}\n"
    user = TypingUser({"a.py": before})
    user.replace("walk(a, size=1", "walk(a, top=None, size=1")
    user.accept_all()
    assert user.text.endswith(f"    {expected}\n")


def test_a_function_that_takes_arguments_of_any_name_may_take_those_of_a_lost_parameter() -> None:
    user = TypingUser({"a.py": "def save(a, b=1, **rest):\n    pass\n\n\nsave(1, b=2)\n"})
    user.replace("b=1, ", "")
    assert user.propose() == ()


def test_an_argument_comes_into_a_call_with_comments_and_none_goes_with_its_comment() -> None:
    before = "def save(a, b):\n    pass\n\n\ndef run(mode):\n    save(\n        1,  # one\n        2,  # two\n    )\n"
    user = TypingUser({"a.py": before})
    user.replace("a, b):", "a, mode, b):")
    user.accept_all()
    assert user.text.endswith("save(\n        1,  # one\n        mode,\n        2,  # two\n    )\n")
    user = TypingUser({"a.py": before})
    user.replace("a, b):", "b):")
    assert user.propose() == ()


def test_a_call_in_a_class_that_inherits_from_a_class_with_types_follows() -> None:
    before = (
        "class A(Generic[T]):\n    def make(self, a):\n        pass\n\n\n"
        "class B(A[int]):\n    def run(self, mode):\n        self.make(1)\n"
    )
    user = TypingUser({"a.py": before})
    user.replace("make(self, a)", "make(self, a, mode)")
    user.accept_all()
    assert "self.make(1, mode)" in user.text


def test_a_name_that_was_a_lost_parameter_is_given_to_no_call_by_that_name() -> None:
    before = (
        "def save(a, mode=None, size=1):\n    pass\n\n\n"
        "def run(a, mode=None):\n    save(a, mode=mode, size=2)\n    save(mode, mode=f(mode))\n\n\n"
        "def other(mode):\n    save(1, mode=mode)\n"
    )
    user = TypingUser({"a.py": before})
    user.replace("run(a, mode=None)", "run(a)")
    user.accept_all()
    assert user.text == before.replace("run(a, mode=None)", "run(a)").replace("save(a, mode=mode, size", "save(a, size")
    user = TypingUser({"a.py": before.replace("    save(a", "    mode = a\n    save(a")})
    user.replace("run(a, mode=None)", "run(a)")
    assert user.propose() == ()
