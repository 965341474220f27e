"""What the engine inside the process and the remote one have in common: all that the edge knows of either."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from inference.prompt import ContextFile, Message, Repository
from inference.request import OnUpdate, Request

if TYPE_CHECKING:  # both engines' modules are loaded after `initialize` is answered
    from inference.engine import EngineStats, ModelInfo


class RunningRequest(Protocol):
    """One submitted request."""

    def cancel(self) -> None:
        """End it soon; its last update says "cancelled". Any thread, any number of times."""


class AnyEngine(Protocol):
    """A model that answers requests, until `close`. Its methods may be called from any thread."""

    @property
    def info(self) -> "ModelInfo":
        """What is known of the model by now: a remote engine learns more when it first reaches the server."""

    @property
    def ready(self) -> "Future[None]":
        """Done when requests can be answered, or with the error that refuses them all."""

    def count_tokens(self, text: str) -> int:
        """How many of the model's tokens a text is, or rather too many where only its server knows."""

    def fim_prompt(
        self, context: str, prefix: str, suffix: str, repository: Repository | None = None
    ) -> tuple[int, ...]:
        """The prompt for the hole between `prefix` and `suffix`, after the text of other files in `context`.

        `repository` says the same as `context` and `prefix`, for families that keep files apart by separators.
        Raises ModelError when the model was not trained to fill a hole.
        """

    def begun_word(self, prefix: str) -> str:
        """For `Request.begins_with`: what at the end of `prefix` is to be left out of the prompt, because its tokens
        may be other ones when the word is finished. Empty where only a server decodes.
        """

    def chat_prompt(self, messages: Sequence[Message], files: Sequence[ContextFile] = ()) -> tuple[int, ...]:
        """The prompt for the assistant's next answer; `files` are of the repository, before the conversation.

        Raises ModelError when the model was not trained to chat.
        """

    def draft(self, text: str) -> tuple[int, ...]:
        """For `Request.draft_tokens`: a text that the output probably repeats. Empty where only a server decodes."""

    def submit(self, request: Request, on_update: OnUpdate) -> RunningRequest:
        """Queue a request. `on_update` is called on the engine's thread and must not block it.

        The last update has a finish reason; errors of this request arrive there too.
        """

    def stats(self) -> "EngineStats":
        """A moment's counts, for people."""

    def close(self) -> None:
        """Cancel what runs and end the engine's thread."""
