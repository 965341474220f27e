"""The text of what a message refers to, by the rules that hold for every prompt."""

import asyncio
from dataclasses import dataclass

from context.documents.document import Document
from context.documents.languages import path_comment
from context.related.collect import require_included
from context.secrets.masking import count_masked, mask_document
from inference.api import Message
from lsp_server.chat.chat_params import ChatMessage, Reference
from lsp_server.chat.used_parts import UsedPart
from lsp_server.rpc.documents import path_of
from lsp_server.rpc.positions import offset_of
from lsp_server.server.session import Session
from lsp_server.telemetry.record import Record
from midspan import DocumentError


@dataclass(frozen=True)
class Referred:
    """A message with what it refers to before it, and the parts of files that this is."""

    message: Message
    parts: tuple[tuple[UsedPart, str], ...] = ()


async def read_references(session: Session, message: ChatMessage, record: Record, *, is_last: bool) -> Referred:
    """Return the message with each reference before it, under a comment with its path. Raises DocumentError.

    Placeholders stand for the secrets of what is referred to. The words of the message are the user's own, and stay.
    Of an earlier message than the last one, a reference that cannot be read any more is left out: its file may have
    been shortened, moved or closed since, and the conversation goes on.
    """
    parts = []
    for reference in message.references:
        try:
            parts.append(await _read(session, reference, record))
        except DocumentError:
            if is_last:
                raise
    text = "\n".join([*(text for _, text in parts), message.content])
    return Referred(Message(message.role, text), tuple(parts))


async def _read(session: Session, reference: Reference, record: Record) -> tuple[UsedPart, str]:
    document = await _document(session, reference.uri)
    masked = await asyncio.to_thread(mask_document, document)
    text, first, last = masked.document.text, 0, len(document.lines) - 1
    if reference.range is not None:
        first = reference.range.start.line
        begin = offset_of(document, reference.range.start, session.encoding)
        end = offset_of(document, reference.range.end, session.encoding)
        if end < begin:
            raise DocumentError(f"{document.path}: a reference ends before it begins.")
        last, column = document.position_at(end)
        if column == 0 and last > first:
            last -= 1  # a range that ends at the start of a line does not touch it
        text = "".join(masked.document.lines[first : last + 1])
    record.masks(count_masked([text], masked.rules))
    newline = "" if text.endswith("\n") else "\n"
    used = UsedPart(document.path, reference.uri, first, last, "reference", "you referred to it")
    return used, f"{path_comment(document.language, document.path)}{text}{newline}"


async def _document(session: Session, uri: str) -> Document:
    """Return the document of the editor, or else of the disk. Raises DocumentError if a rule excludes it."""
    workspace = session.workspaces.of(uri).workspace
    if uri in session.documents:
        document = session.documents.document(uri)
        await asyncio.to_thread(require_included, document, workspace)
        return document
    if workspace is None:
        raise DocumentError(f"{uri} is in no workspace of the editor. Open it, and refer to it again.")
    # Relative to the root as the editor names it: that of the workspace has no links.
    return await asyncio.to_thread(workspace.read, path_of(uri, session.roots))
