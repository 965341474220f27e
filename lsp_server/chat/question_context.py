"""The text of the workspace that each question of a conversation is asked with.

A conversation is sent whole with each question. What stood before an earlier question stands there again, as long as
its files still say so, and so the prompt begins as the one before: the model has read that part already.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from context.question.answer_context import AnswerContext, Place, find_context, still_true
from context.question.lay_out import ShownText
from inference.api import Engine, Message

_MOST_REMEMBERED = 200  # questions of one connection
INSTRUCTION = (
    "Answer from the code above, and name the files and functions that the answer is about. "
    "If the code above does not answer it, say so."
)

# The words of the user in a conversation, up to a question.
_Words = tuple[str, ...]


@dataclass(frozen=True)
class QuestionRoom:
    """The room for what one question is asked with, in the tokens of a model."""

    engine: Engine
    most_tokens: int

    def beside(self, question: str) -> int:
        """Return the tokens that are left beside a question."""
        tokens = self.engine.count_tokens(question) + self.engine.count_tokens(INSTRUCTION)
        return max(0, min(self.most_tokens, self.engine.info.context_tokens // 2 - tokens))


@dataclass(frozen=True)
class WithContext:
    """The messages with what each question is asked with, and the same with that of the last question alone.

    `context` is that of the last question.
    """

    messages: tuple[Message, ...]
    last_alone: tuple[Message, ...]
    context: AnswerContext


class QuestionContexts:
    """Finds the context of questions, and remembers that of the last ones. For one thread at a time."""

    def __init__(self) -> None:
        self._remembered: OrderedDict[_Words, tuple[ShownText, ...]] = OrderedDict()

    def add(
        self, messages: Sequence[Message], question: str, place: Place, room: QuestionRoom, shown: Mapping[str, str]
    ) -> WithContext:
        """Return the messages with their contexts. `question` is what the user wrote last, without references.

        `shown` is the text of each file that the prompt has already. Raises DocumentError as `find_context` does.
        """
        earlier, last = list(messages[:-1]), messages[-1]
        known = dict(shown)
        with_earlier = []
        for number, message in enumerate(earlier):
            texts = self._recall(_words(messages[: number + 1]), place) if message.role == "user" else []
            for text in texts:
                known[text.path] = known.get(text.path, "") + text.text
            with_earlier.append(_with(message, texts))
        context = find_context(question, place, room.beside(last.content), room.engine.count_tokens, known)
        self._remember(_words(messages), context.texts)
        asked = _with(last, context.texts)
        return WithContext((*with_earlier, asked), (*earlier, asked), context)

    def _recall(self, words: _Words, place: Place) -> list[ShownText]:
        texts = self._remembered.get(words, ())
        return still_true(texts, place) if texts else []

    def _remember(self, words: _Words, texts: tuple[ShownText, ...]) -> None:
        self._remembered[words] = texts
        self._remembered.move_to_end(words)
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)


def _words(messages: Sequence[Message]) -> _Words:
    return tuple(message.content for message in messages if message.role == "user")


def _with(message: Message, texts: Sequence[ShownText]) -> Message:
    if not texts:
        return message
    text = "\n".join(shown.title + shown.text for shown in texts)
    return replace(message, content=f"{text}\n{INSTRUCTION}\n\n{message.content}")
