"""Builds a server with all its features."""

from pathlib import Path

from lsp_server.actions import code_actions
from lsp_server.actions.protocol.action_features import ActionFeatures
from lsp_server.chat import chat, conversation_request, reference_request
from lsp_server.chat.chat_feature import ChatFeature
from lsp_server.completion import accepted, completion_menu, inline_completion, set_completion
from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.next_edit import next_edit_requests
from lsp_server.next_edit.next_edit_feature import NextEditFeature
from lsp_server.server import document_text, status_request, sync, trace_request
from lsp_server.server.engines import Engines
from lsp_server.server.model_consent import ModelConsent
from lsp_server.server.pauses import Pauses
from lsp_server.server.server import MidspanServer
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.telemetry.journal import Journal


def build_server(
    flags: object,
    engines: Engines,
    workspaces: SharedWorkspaces,
    folder: Path,
    journal: Journal | None = None,
    pauses: Pauses | None = None,
) -> MidspanServer:
    """Return the server of one connection.

    `flags` are the settings of its command line, by name; a model's path in them is relative to `folder`. Without the
    journal of its process the server keeps its own.
    """
    server = MidspanServer(flags, engines, workspaces, folder, journal or Journal(), pauses or Pauses())
    for request in (sync, status_request, trace_request, document_text):
        request.register(server)
    ModelConsent(server)
    completion = CompletionFeature(server)
    for request in (inline_completion, completion_menu, accepted, set_completion):
        request.register(completion)
    next_edit_requests.register(NextEditFeature(server, completion))
    chat_feature = ChatFeature(server)
    for request in (chat, reference_request, conversation_request):
        request.register(chat_feature)
    code_actions.register(ActionFeatures(server, completion, chat_feature))
    return server
