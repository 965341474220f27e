"""Where inline completion is off, and why: by the settings, or by what `midspan.setCompletion` said in this session."""

from pathspec import GitIgnoreSpec

from context.documents.document import Document, language_of
from lsp_server.settings.values import CompletionSettings


class Switches:
    """The last word holds, whether the command or a change of the settings had it. Lives on the event loop."""

    def __init__(self) -> None:
        self._everywhere: bool | None = None  # None: as the settings say
        self._by_language: dict[str, bool] = {}

    def turn(self, enabled: bool, language: str | None) -> None:
        """For one language, or for all that no one has been said of."""
        if language is None:
            self._everywhere = enabled
        else:
            self._by_language[language] = enabled

    def settings_changed(self, before: CompletionSettings, after: CompletionSettings) -> None:
        """What the user has just written in the settings holds from here on."""
        if before.enabled != after.enabled:
            self._everywhere = None
        for language in {*before.disabled_languages} ^ {*after.disabled_languages}:
            self._by_language.pop(language, None)

    def why_off(self, settings: CompletionSettings) -> str | None:
        """Why nothing is completed in any document; None when it depends on the document."""
        if self._everywhere is None:
            return None if settings.enabled else "the setting 'completion.enabled' is false"
        return None if self._everywhere else "it is switched off for this session"

    def why_off_in(self, document: Document, settings: CompletionSettings) -> str | None:
        """Why nothing is completed in this document, as far as the user has switched it off; None when it is on."""
        return (
            self.why_off(settings)
            or self._why_off_by_language(document, settings)
            or _why_off_by_glob(document, settings)
        )

    def _why_off_by_language(self, document: Document, settings: CompletionSettings) -> str | None:
        """Editors have names of their own for some languages; the one that the file's name says is as good."""
        names = (document.language, language_of(document.path))
        said = [self._by_language[name] for name in names if name in self._by_language]
        if said:
            return None if all(said) else f"it is switched off for {document.language} for this session"
        off = next((name for name in names if name in settings.disabled_languages), None)
        return f"{off!r} is in the setting 'completion.disabled_languages'" if off is not None else None


def _why_off_by_glob(document: Document, settings: CompletionSettings) -> str | None:
    """As git reads its ignore files: the last pattern that matches decides."""
    globs = settings.disabled_globs
    if not globs:
        return None
    found = GitIgnoreSpec.from_lines(globs).check_file(document.path)
    if not found.include or found.index is None:
        return None
    return f"{globs[found.index]!r} of the setting 'completion.disabled_globs' matches {document.path}"
