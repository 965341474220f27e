"""The check of the editors: those on this machine, and their versions."""

from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.checks.installed_editors import EDITORS, InstalledEditor, find_editors, version_in_words

_SUBJECT = "editors"


def check_editors() -> list[Finding]:
    """Check each editor. No finding is wrong: every LSP client works."""
    names = ", ".join(editor.name for editor in EDITORS)
    absent = f"None of these editors is here: {names}. Any other LSP client can run: midspan serve"
    return [_check(found) for found in find_editors()] or [Finding(_SUBJECT, absent)]


def _check(found: InstalledEditor) -> Finding:
    if found.version is None:
        return Finding(_SUBJECT, f"{found} does not print its version.")
    if found.is_too_old:
        least = version_in_words(found.editor.least)
        return Finding(_SUBJECT, f"{found} is too old.", fix=f"Install {least} or newer.")
    return Finding(_SUBJECT, f"{found} is new enough. midspan setup sets it up, or says that it is.")
