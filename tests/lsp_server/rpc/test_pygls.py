"""Everything that Midspan uses of pygls, by name and signature. A change in pygls fails here first.

Private names of pygls are neither read nor overridden.
"""

import ast
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.feature_manager import FeatureManager
from pygls.lsp.server import LanguageServer
from pygls.progress import Progress
from pygls.protocol import JsonRPCProtocol, LanguageServerProtocol

from lsp_server.rpc.endpoint import LEFT_TO_PYGLS, MidspanProtocol
from lsp_server.server.server import MidspanServer

ROOT = Path(__file__).parents[3]
SIGNATURES: dict[Any, tuple[str, ...]] = {
    LanguageServerProtocol: ("server", "converter"),
    JsonRPCProtocol.notify: ("self", "method", "params"),
    JsonRPCProtocol.send_request: ("self", "method", "params", "callback", "msg_id"),
    JsonRPCProtocol.send_request_async: ("self", "method", "params", "msg_id"),
    JsonRPCProtocol.set_writer: ("self", "writer", "include_headers"),
    FeatureManager.add_builtin_feature: ("self", "feature_name", "func"),
    LanguageServer.report_server_error: ("self", "error", "source"),
    Progress.create_async: ("self", "token"),
    Progress.begin: ("self", "token", "value"),
    Progress.report: ("self", "token", "value"),
    Progress.end: ("self", "token", "value"),
}


@pytest.fixture
def plain() -> LanguageServer:
    return LanguageServer("plain", "1")


def test_pygls_is_pinned_to_a_minor_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    major, minor = map(int, version("pygls").split(".")[:2])
    assert f"pygls>={major}.{minor},<{major}.{minor + 1}" in project["dependencies"]


@pytest.mark.parametrize("used", SIGNATURES, ids=lambda used: used.__qualname__)
def test_a_signature_that_is_called_or_overridden_is_as_it_was(used):
    assert tuple(inspect.signature(used).parameters) == SIGNATURES[used]


def test_the_attributes_that_are_read_are_there(plain):
    protocol = plain.protocol
    for features in (protocol.fm.builtin_features, protocol.fm.features, protocol.fm.commands):
        assert isinstance(features, dict)
    assert protocol.writer is None
    assert protocol.progress.tokens == {}
    with pytest.raises(RuntimeError):
        assert protocol.workspace  # before `initialize`


@pytest.mark.parametrize("method", LEFT_TO_PYGLS)
def test_a_handler_of_pygls_is_a_generator_that_asks_for_ours(plain, method):
    def ours(params: Any) -> None:
        raise AssertionError("pygls calls it by itself")

    plain.feature(method)(ours)
    initialize = plain.protocol.fm.builtin_features[types.INITIALIZE]
    first = types.InitializeParams(types.ClientCapabilities())
    params = {
        types.INITIALIZE: first,
        types.INITIALIZED: types.InitializedParams(),
        types.SET_TRACE: types.SetTraceParams(types.TraceValue.Off),
        types.WINDOW_WORK_DONE_PROGRESS_CANCEL: types.WorkDoneProgressCancelParams("token"),
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: types.DidChangeWorkspaceFoldersParams(
            types.WorkspaceFoldersChangeEvent([], [])
        ),
    }[method]
    if method != types.INITIALIZE:
        with pytest.raises(StopIteration) as ended:
            next(initialize(first))
        assert isinstance(ended.value.value, types.InitializeResult)
    steps = plain.protocol.fm.builtin_features[method](params)
    assert next(steps) == (ours, (params,), None)


@pytest.mark.parametrize("ours", [MidspanProtocol, MidspanServer])
def test_no_private_name_of_pygls_is_read_or_overridden(plain, ours):
    base: object = plain.protocol if ours is MidspanProtocol else plain
    source = Path(inspect.getfile(ours)).read_text(encoding="utf-8")
    read = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    private = {name for name in {*read, *vars(ours)} if name.startswith("_") and not name.startswith("__")}
    assert private & {*dir(base), *vars(base), *dir(FeatureManager)} == set()
