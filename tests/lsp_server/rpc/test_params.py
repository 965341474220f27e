from dataclasses import dataclass
from typing import Any, Literal

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from lsp_server.rpc.converter import UInteger, WrongValueError
from lsp_server.rpc.params import params_type, read_arguments, read_params

START = {"line": 1, "character": 2}
WHOLE = {"textDocument": {"uri": "file:///a.py"}, "kind": "explain"}


@dataclass(frozen=True)
class Part:
    content: str
    range: types.Range | None = None

    def __post_init__(self) -> None:
        if not self.content:
            raise WrongValueError("a string that says something", ".content")


@dataclass(frozen=True)
class Params:
    text_document: types.TextDocumentIdentifier
    kind: Literal["explain", "review"]
    parts: tuple[Part, ...] = ()
    progress_token: types.ProgressToken | None = None
    limit: UInteger | None = None
    is_wanted: bool = False
    version: int | None = None


def read(**members: Any) -> Params:
    return read_params({**WHOLE, **members}, Params, "midspan/test")


def test_members_are_in_camel_case_and_the_others_are_ignored():
    part = {"content": "x", "range": {"start": START, "end": START}, "other": [1]}
    start = types.Position(1, 2)
    assert read(parts=[part], progressToken="t", isWanted=True, other={"a": 1}) == Params(
        types.TextDocumentIdentifier("file:///a.py"),
        "explain",
        (Part("x", types.Range(start, start)),),
        "t",
        is_wanted=True,
    )


def test_a_null_is_a_member_that_is_left_out():
    nulls = dict.fromkeys(("parts", "progressToken", "limit", "isWanted", "version"))
    assert read(**nulls) == read()


@pytest.mark.parametrize("number", [5, 5.0, -0.0, 2**31 - 1])
def test_a_whole_number_may_be_written_as_a_float(number):
    params = read(limit=number, version=number, progressToken=number)
    assert (params.limit, params.version, params.progress_token) == (number, number, number)
    assert type(params.limit) is type(params.version) is type(params.progress_token) is int


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"textDocument": None}, "textDocument must be an object"),
        ({"textDocument": "secret"}, "textDocument must be an object"),
        ({"textDocument": {"uri": 5}}, "textDocument.uri must be a string"),
        ({"kind": "secret"}, "kind must be one of explain, review"),
        ({"kind": ["explain"]}, "kind must be one of explain, review"),
        ({"kind": None}, "kind must be one of explain, review"),
        ({"parts": "secret"}, "parts must be a list"),
        ({"parts": {}}, "parts must be a list"),
        ({"parts": [{"content": "x"}, None]}, "parts[1] must be an object"),
        ({"parts": [{"content": "x"}, {}]}, "parts[1].content must be a string"),
        ({"parts": [{"content": ""}]}, "parts[0].content must be a string that says something"),
        ({"parts": [{"content": "x", "range": [1, 2]}]}, "parts[0].range must be an object"),
        (
            {"parts": [{"content": "x", "range": {"start": START, "end": {"line": "secret", "character": 0}}}]},
            "parts[0].range.end.line must be a whole number",
        ),
        (
            {"parts": [{"content": "x", "range": {"start": START, "end": {"line": -1, "character": 0}}}]},
            "parts[0].range.end must be a value of LSP's type Position",
        ),
        ({"progressToken": [1]}, "progressToken must be a string or a whole number"),
        ({"progressToken": True}, "progressToken must be a string or a whole number"),
        ({"limit": -1}, "limit must be a whole number from 0 to 2147483647"),
        ({"limit": 2**31}, "limit must be a whole number from 0 to 2147483647"),
        ({"limit": 1.5}, "limit must be a whole number"),
        ({"limit": True}, "limit must be a whole number"),
        ({"isWanted": 1}, "isWanted must be true or false"),
        ({"version": "5"}, "version must be a whole number"),
    ],
)
def test_an_error_names_the_request_and_the_place_and_what_is_wanted_there(members, message):
    with pytest.raises(JsonRpcInvalidParams) as caught:
        read(**members)
    assert str(caught.value) == f"midspan/test: {message}."
    assert caught.value.code == -32602


@pytest.mark.parametrize("params", [5, "secret", True, [1], [WHOLE]])
def test_parameters_that_are_no_object_are_refused(params):
    with pytest.raises(JsonRpcInvalidParams, match=r"^midspan/test: the parameters must be an object\.$"):
        read_params(params, Params, "midspan/test")


@pytest.mark.parametrize("params", [None, [], {}])
def test_no_parameters_are_an_object_without_members(params):
    @dataclass(frozen=True)
    class Nothing:
        uri: str | None = None

    assert read_params(params, Nothing, "midspan/test") == Nothing()


def test_a_handler_declares_the_type_of_its_parameters():
    def typed(params: Params) -> None: ...

    def untyped(params): ...

    assert params_type(typed) is Params
    assert params_type(untyped) is Any
    assert read_params({"a": [1]}, params_type(untyped), "midspan/test") == {"a": [1]}


class TestArguments:
    @staticmethod
    def command(number: int, params: Part, characters: UInteger | None = None) -> None: ...

    def test_are_read_as_the_command_declares_them(self):
        given = [5, {"content": "x"}]
        assert read_arguments(given, self.command, "midspan.test") == [5, Part("x")]
        assert read_arguments([*given, 2.0], self.command, "midspan.test") == [5, Part("x"), 2]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], " takes the arguments (number, params, characters)."),
            ([1, 2, 3, 4], " takes the arguments (number, params, characters)."),
            (["5", {"content": "x"}], ": arguments[0] must be a whole number."),
            ([5, {"content": 5}], ": arguments[1].content must be a string."),
            ([5, {"content": "x"}, -1], ": arguments[2] must be a whole number from 0 to 2147483647."),
        ],
    )
    def test_that_are_wrong_are_named(self, arguments, message):
        with pytest.raises(JsonRpcInvalidParams) as caught:
            read_arguments(arguments, self.command, "midspan.test")
        assert str(caught.value) == f"midspan.test{message}"
