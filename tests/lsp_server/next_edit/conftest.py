import pytest

from tests.lsp_server.next_edit.editing import FindEdits, replace_words


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> "SetRules":
    """Rules of the test's own: at first they rename `old` to `new`."""
    found = SetRules(monkeypatch)
    found.are(replace_words("old", "new"))
    return found


class SetRules:
    """Sets the rules that the server asks, and counts the calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.calls = 0

    def are(self, find: FindEdits) -> None:
        def counted(*arguments: object) -> object:
            self.calls += 1
            return find(*arguments)  # type: ignore[arg-type]  # passed through as they are

        self._monkeypatch.setattr("lsp_server.next_edit.find_by_rule.find_next_edits", counted)
