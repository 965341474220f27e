"""A typist in an editor: types a passage key by key and, at each pause, looks at what the server shows."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lsprotocol import types
from pygls import uris

from context.documents.document import language_of
from context.documents.indentation import indentation_of
from evaluation.typist.judgement import Pause, judge
from evaluation.typist.passages import Passage, pauses_in
from inference.api import Engine
from lsp_server.completion.completion_feature import CompletionFeature
from lsp_server.completion.inline_completion import complete
from lsp_server.server.engines import Engines
from lsp_server.server.pauses import Pauses
from lsp_server.server.server import MidspanServer
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.settings.values import CompletionSettings, Settings
from lsp_server.telemetry.journal import Journal

_NEVER_S = 1e9


@dataclass
class Desk:
    """An editor with one file open. The passage is not typed yet, and the cursor stands where it begins."""

    feature: CompletionFeature
    passage: Passage
    uri: str
    typed: int = 0  # characters of the passage
    version: int = 0

    @property
    def cursor(self) -> types.Position:
        before = self.passage.text[: self.passage.start + self.typed]
        line_start = before.rfind("\n") + 1
        utf16 = len(before[line_start:].encode("utf-16-le")) // 2
        return types.Position(before.count("\n"), utf16)

    def type(self, text: str) -> None:
        """Insert the next characters of the passage, as one change."""
        self.version += 1
        at = types.Range(self.cursor, self.cursor)
        change = types.TextDocumentContentChangePartial(text=text, range=at)
        self.feature.session.change(self.uri, self.version, [change])
        self.typed += len(text)

    def type_key(self) -> str:
        """Type the next key, and return its text; an editor indents what comes behind a line end."""
        rest = self.passage.typed[self.typed :]
        key = rest[0] + indentation_of(rest[1:]) if rest[0] == "\n" else rest[0]
        self.type(key)
        return key

    async def look(self) -> types.InlineCompletionItem | None:
        """Ask as an editor does when a key was typed, and return what it shows."""
        context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
        params = types.InlineCompletionParams(context, types.TextDocumentIdentifier(self.uri), self.cursor)
        answer = await complete(self.feature, params)
        return answer.items[0] if answer is not None and answer.items else None

    def accept(self, item: types.InlineCompletionItem) -> None:
        """Tell the server that the item was accepted, as an editor does by the item's command."""
        if item.command is not None and item.command.arguments:
            self.feature.accept(int(str(item.command.arguments[0])))


@asynccontextmanager
async def desk_at(
    passage: Passage, root: Path, workspaces: SharedWorkspaces, engine: Engine, settings: CompletionSettings
) -> AsyncIterator[Desk]:
    """Open the file in a session of its own. Nothing is computed ahead: that changes no text, only when it comes."""
    pauses = Pauses(settings_s=_NEVER_S)
    server = MidspanServer({}, Engines(lambda _settings: engine), workspaces, root, Journal(), pauses)
    feature = CompletionFeature(server)
    session = server.session
    quiet = replace(settings, look_ahead=False, moved_suffix=False, quick_first=False, disk_cache_bytes=0)
    session.change_settings(Settings(completion=quiet, stats=False))
    session.roots = (root,)
    session.workspaces.open(session.roots)
    uri = uris.from_fs_path(str(root / passage.path)) or ""
    text = passage.text[: passage.start] + passage.text[passage.end :]
    session.documents.open(types.TextDocumentItem(uri, language_of(passage.path), 0, text), session.roots)
    try:
        yield Desk(feature, passage, uri)
    finally:
        session.close()


async def type_passage(desk: Desk, seed: int) -> list[Pause]:
    """Type the passage; return its pauses. A text that is right is accepted at once.

    What is left of a text that the typist has begun to type is the same text, and is judged once.
    """
    typed, places, found = desk.passage.typed, pauses_in(desk.passage, seed), []
    has_accepted, on_screen = False, ""
    desk.type(indentation_of(typed))
    while True:
        at = desk.typed
        if at in places or has_accepted:
            item = await desk.look()
            shown = "" if item is None else str(item.insert_text)
            pause = Pause() if shown == on_screen else _pause(shown, typed, at, places)
            found.append(pause)
            on_screen = shown
            has_accepted = pause.verdict == "right"
            if item is not None and has_accepted:
                desk.type(shown)
                desk.accept(item)
                on_screen = ""
                continue
        if at == len(typed):
            return found
        key = desk.type_key()
        on_screen = on_screen.removeprefix(key) if on_screen.startswith(key) else ""


def _pause(shown: str, typed: str, at: int, places: Sequence[int]) -> Pause:
    if not shown.strip():
        return Pause()
    verdict = judge(shown, typed[at:], next_pause(typed, at, places))
    is_gone = at == len(typed) or not shown.startswith(typed[at])
    saved = keys_in(shown.rstrip()) - 1 if verdict == "right" else 0
    return Pause(verdict, saved, is_gone)


def keys_in(text: str) -> int:
    """Count the keys of a text: an editor types the indentation behind a line end."""
    first, *others = text.split("\n")
    return len(first) + sum(1 + len(line.lstrip(" \t")) for line in others)


def next_pause(typed: str, at: int, places: Sequence[int]) -> int:
    """Return the characters from `at` to the next pause that has more than blanks before it."""
    return next((place for place in places if place > at and typed[at:place].strip()), len(typed)) - at
