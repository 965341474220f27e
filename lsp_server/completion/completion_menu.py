"""textDocument/completion, for an editor without inline completion: the same text as an entry of its menu."""

import re

from lsprotocol import types

from context.documents.snapshot import Snapshot
from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.completion.inline_completion import complete
from lsp_server.completion.triggers import line_around
from lsp_server.rpc.positions import position_of
from midspan import DocumentError

# Menus open by themselves within a word; these are where else people stop for a suggestion.
_TRIGGERS = tuple(".([{,=: ")
_LABEL_CHARACTERS = 80


def register(feature: CompletionFeature) -> None:
    """Add the request for clients without inline completion. Other clients would show each text twice."""

    def offer(capabilities: types.ClientCapabilities) -> None:
        document = capabilities.text_document
        if document is not None and document.inline_completion is not None:
            return

        @feature.server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=_TRIGGERS))
        async def completion(params: types.CompletionParams) -> types.CompletionList:
            return await complete_in_menu(feature, params)

    feature.server.on_initialize.append(offer)


async def complete_in_menu(feature: CompletionFeature, params: types.CompletionParams) -> types.CompletionList:
    """Return at most one entry. The list is never complete, so the client asks again at the next character."""
    # A menu says "invoked" also when a word was typed, so nothing here is explicit.
    context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
    asked = types.InlineCompletionParams(context, params.text_document, params.position)
    try:
        snapshot = feature.session.snapshot(params.text_document.uri, params.position)
    except DocumentError:
        snapshot = None  # `complete` says why
    answer = await complete(feature, asked)
    if snapshot is None or answer is None or not answer.items:
        return types.CompletionList(is_incomplete=True, items=[])
    return types.CompletionList(is_incomplete=True, items=[_entry(feature, snapshot, answer.items[0])])


def _entry(feature: CompletionFeature, snapshot: Snapshot, item: types.InlineCompletionItem) -> types.CompletionItem:
    """Return an entry that replaces the word before the cursor, because menus compare their entries with that word."""
    before, _ = line_around(snapshot)
    word = re.split(r"\W", before)[-1]
    start = position_of(snapshot.document, snapshot.cursor - len(word), feature.session.encoding)
    inserted = str(item.insert_text)
    text = word + inserted
    said = inserted if inserted.startswith("\n") else text  # else it would be called by what stands there already
    first, *more = said.strip("\n").split("\n")
    label = first.strip()[:_LABEL_CHARACTERS] + (" …" if more or len(first.strip()) > _LABEL_CHARACTERS else "")
    shown = types.MarkupContent(types.MarkupKind.Markdown, _fenced(text, snapshot.document.language))
    end = item.range.end if item.range is not None else start
    return types.CompletionItem(
        label=label,
        kind=types.CompletionItemKind.Text,
        detail="Midspan",
        documentation=shown,
        sort_text="!",  # before all words
        filter_text=text.split("\n", 1)[0],
        text_edit=types.TextEdit(types.Range(start, end), text),
        insert_text_mode=types.InsertTextMode.AsIs,  # the text has its indentation
        command=item.command,
    )


def _fenced(code: str, language: str) -> str:
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
