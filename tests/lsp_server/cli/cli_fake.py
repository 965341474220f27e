"""`midspan` with a fake engine, for tests of the command line."""

import re
import sys
from unittest.mock import patch

from lsp_server.cli import main
from lsp_server.settings.values import ModelSettings
from midspan import ModelError
from tests.fake_engine import FakeEngine


def start(settings: ModelSettings) -> FakeEngine:
    print("noise on stdout")
    error = ModelError("the folder is empty. Fetch the model.") if settings.model else None
    return FakeEngine(lambda _before, _after: "height * width\n    # done\n", load_error=error)


def start_chat(_settings: ModelSettings) -> FakeEngine:
    print("noise on stdout")
    return FakeEngine(lambda before, _after: f"You said: {' '.join(re.findall('user: (.*)', before))}")


if __name__ == "__main__":
    with (
        patch("lsp_server.cli.completion_at_place.start_engine", start),
        patch("lsp_server.cli.checks.model_check.start_engine", start),
        patch("lsp_server.cli.terminal_chat.start_engine", start_chat),
    ):
        sys.exit(main.main())
