"""A fake engine for each of the two models."""

from lsp_server.settings.values import ModelSettings
from tests.fake_engine import FakeEngine, read_prompt


class TwoModels:
    """The engines by their section of the settings; the chat model writes `answer`."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.completion = FakeEngine(lambda _before, _after: "filled_in")
        self.chat = FakeEngine(lambda _before, _after: self.answer)

    def __call__(self, settings: ModelSettings) -> FakeEngine:
        return self.completion if settings.model is None else self.chat

    @property
    def asked(self) -> str:
        return read_prompt(self.chat.requests[-1])[0]
