"""Prompts of a remote engine: the texts themselves, because only the server has the tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference.api import ContextFile, Message
from inference.remote.token_estimate import estimate_tokens


@dataclass(frozen=True)
class HolePrompt:
    """The text before and after a hole."""

    before: str
    after: str

    @property
    def num_tokens(self) -> int:
        """An estimate on the high side."""
        return estimate_tokens(self.before) + estimate_tokens(self.after)

    @property
    def identity(self) -> str:
        """Both texts, quoted."""
        return repr(self)


@dataclass(frozen=True)
class ChatPrompt:
    """A conversation, which ends where the assistant answers."""

    messages: tuple[Message, ...]

    @property
    def num_tokens(self) -> int:
        """An estimate on the high side."""
        return sum(estimate_tokens(message.content) for message in self.messages)

    @property
    def identity(self) -> str:
        """The roles and texts, quoted."""
        return repr(self)


def with_files(messages: Sequence[Message], files: Sequence[ContextFile]) -> Sequence[Message]:
    """Put files before a conversation, in its system message: many templates take only one, and only as the first."""
    if not files:
        return messages
    shown = "\n".join(file.title + file.text for file in files)
    if messages and messages[0].role == "system":
        return [Message("system", f"{shown}\n{messages[0].content}"), *messages[1:]]
    return [Message("system", shown), *messages]
