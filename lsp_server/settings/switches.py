"""The switches of inline completion: the settings, and the command `midspan.setCompletion` in this session."""

from functools import lru_cache

from context.documents.document import Document, language_of
from context.rules.git_pattern import find_deciding, read_patterns
from lsp_server.settings.values import CompletionSettings


class Switches:
    """The switches of one session. The latest of a command and a change of the settings decides.

    Used on the event loop only.
    """

    def __init__(self) -> None:
        self._everywhere: bool | None = None  # None: as the settings say
        self._by_language: dict[str, bool] = {}

    def turn(self, enabled: bool, language: str | None) -> None:
        """Switch completion for one language, or without a language for all that were not switched by name."""
        if language is None:
            self._everywhere = enabled
        else:
            self._by_language[language] = enabled

    def settings_changed(self, before: CompletionSettings, after: CompletionSettings) -> None:
        """Forget the commands that the user has just overridden in the settings."""
        if before.enabled != after.enabled:
            self._everywhere = None
        for language in {*before.disabled_languages} ^ {*after.disabled_languages}:
            self._by_language.pop(language, None)

    def why_off(self, settings: CompletionSettings) -> str | None:
        """Return the reason why nothing is completed in any document, None if the document decides."""
        if self._everywhere is None:
            return None if settings.enabled else "the setting 'completion.enabled' is false"
        return None if self._everywhere else "switched off for this session"

    def why_off_in(self, document: Document, settings: CompletionSettings) -> str | None:
        """Return the reason why the user has switched completion off in this document, None if completion is on."""
        return (
            self.why_off(settings)
            or self._why_off_by_language(document, settings)
            or _why_off_by_glob(document, settings)
        )

    def _why_off_by_language(self, document: Document, settings: CompletionSettings) -> str | None:
        """The editor's name of a language counts, and the name that the file's ending gives: editors differ."""
        names = (document.language, language_of(document.path))
        said = [self._by_language[name] for name in names if name in self._by_language]
        if said:
            return None if all(said) else f"switched off for {document.language} for this session"
        off = next((name for name in names if name in settings.disabled_languages), None)
        return f"{off!r} is in the setting 'completion.disabled_languages'" if off is not None else None


def _why_off_by_glob(document: Document, settings: CompletionSettings) -> str | None:
    """Return the reason in the globs, which are read as git reads an ignore file at the root.

    The last glob that matches decides, and a file in a folder that is off is off.
    """
    globs = settings.disabled_globs
    if not globs:
        return None
    patterns = _read_globs(globs)
    parts = document.path.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        found = find_deciding(patterns, parts[:depth], is_folder=depth < len(parts))
        if found is not None and not found[1].keeps:
            return f"{globs[found[0]]!r} of the setting 'completion.disabled_globs' matches {document.path}"
    return None


_read_globs = lru_cache(maxsize=16)(read_patterns)  # each keystroke asks
