"""Prompts, built from ids: sentinels by id, the user's text as text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inference.api import ContextFile, ForeignPromptError, Message, Prompt, Repository
from inference.prompts.families import Control, Pieces
from inference.prompts.tokenizer import FileSentinels, Tokenizer
from midspan import ModelError

# Documents know their paths within the repository, and not what it is called.
REPOSITORY_NAME = "repository"
_BLANK_REST_OF_LINE = re.compile(r"\A[ \t]*(?:\r\n|\n)")


@dataclass(frozen=True)
class TokenPrompt:
    """A prompt of the engine inside the process: the ids of the whole prompt, from BOS to the place of the answer."""

    tokens: tuple[int, ...]

    @property
    def num_tokens(self) -> int:
        """The number of ids."""
        return len(self.tokens)

    @property
    def identity(self) -> str:
        """The ids in decimal."""
        return " ".join(map(str, self.tokens))


def read_tokens(prompt: Prompt) -> tuple[int, ...]:
    """Return the ids of a prompt. Raises ForeignPromptError when a remote engine made it."""
    if not isinstance(prompt, TokenPrompt):
        raise ForeignPromptError
    return prompt.tokens


def build_fim_prompt(
    tokenizer: Tokenizer, order: str, context: str, prefix: str, suffix: str, repository: Repository | None = None
) -> tuple[int, ...]:
    """The prompt whose continuation is the text between `prefix` and `suffix`.

    `context` is text of other files, before the current one. Order "psm" is what the released models know:
    BOS begin context prefix hole suffix end. "spm" puts the suffix first, so that typing changes
    nothing but the end: BOS context hole suffix begin prefix end (Bavarian et al., arXiv:2207.14255, section 4.3, where
    no sentinel stands before the middle; with it, a small model learns where a middle stops).

    `repository` says the same as `context` and `prefix` without path comments, and is taken instead of them where
    the family has separators for files: a comment with a path is nothing that such models have seen. To them a hole on
    an empty line is that line with its end.
    """
    sentinels = tokenizer.sentinels
    if sentinels.fim is None:
        raise ModelError(
            f"{tokenizer.path}: has no FIM sentinels, so the model cannot fill a hole; "
            f"use a base model that was trained with FIM for completion"
        )
    begin, hole, end = sentinels.fim.begin, sentinels.fim.hole, sentinels.fim.end
    encode = tokenizer.encode
    bos = () if sentinels.bos is None else (sentinels.bos,)
    if repository is not None and sentinels.files is not None:
        if repository.files:
            bos = (*bos, *_repository_tokens(tokenizer, sentinels.files, repository))
        context, prefix = "", repository.prefix
        if not prefix.rpartition("\n")[2].strip():
            suffix = _BLANK_REST_OF_LINE.sub("", suffix)
    if order == "psm":
        before = (*bos, begin, *encode(context), *encode(prefix))
        return (*before, hole, *encode(suffix), end)
    return (*bos, *encode(context), hole, *encode(suffix), begin, *encode(prefix), end)


def _repository_tokens(tokenizer: Tokenizer, files: FileSentinels, repository: Repository) -> Iterator[int]:
    yield from _file_tokens(tokenizer, files, repository.files)
    yield files.separator
    yield from tokenizer.encode(f"{repository.path}\n")


def _file_tokens(tokenizer: Tokenizer, sentinels: FileSentinels, files: Sequence[ContextFile]) -> Iterator[int]:
    """Qwen2.5-Coder's form (arXiv:2409.12186, section 3.2.2): a name, then files behind separators."""
    yield sentinels.repository_name
    yield from tokenizer.encode(f"{REPOSITORY_NAME}\n")
    for file in files:
        yield sentinels.separator
        yield from tokenizer.encode(f"{file.path}\n{file.text}")


def build_chat_prompt(
    tokenizer: Tokenizer, messages: Sequence[Message], files: Sequence[ContextFile] = ()
) -> tuple[int, ...]:
    """The family's template, ending where the assistant's answer begins.

    `files` stand before the conversation in the very tokens that a prompt for a hole begins with, so that the two
    share what is cached: behind separators (Qwen2.5-Coder), or under path comments where the order "spm" has them,
    after BOS. In the order "psm" a path comment stands behind the FIM sentinel, as DeepSeek trained it, and a chat may
    not begin with that: nothing is shared then. No released DeepSeek model does both, so nothing is lost either.
    """
    template = tokenizer.family.chat
    spelled = {"system": template.system, "user": template.user, "assistant": template.assistant}
    before = tuple(_encode_pieces(tokenizer, template.opening))
    pieces: list[str | Control] = []
    if files and tokenizer.sentinels.files is not None:
        before = (*before, *_file_tokens(tokenizer, tokenizer.sentinels.files, files))
    elif files:
        before = (*before, *tokenizer.encode("".join(file.title + file.text for file in files)))
        pieces.append("\n")  # to these families a system message is plain text before the conversation: so are files
    if template.default_system is not None and not any(message.role == "system" for message in messages):
        pieces += _fill(template.system, template.default_system)
    for message in messages:
        pieces += _fill(spelled[message.role], message.content)
    return (*before, *_encode_pieces(tokenizer, [*pieces, *template.answer]))


def _fill(pieces: Pieces, content: str) -> Iterator[str | Control]:
    for piece in pieces:
        yield piece if isinstance(piece, Control) else piece.replace("{content}", content)


def _encode_pieces(tokenizer: Tokenizer, pieces: Sequence[str | Control]) -> Iterator[int]:
    """Text up to the next control token is encoded as one: a token may reach across two messages."""
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        else:
            yield from tokenizer.encode(text)
            yield tokenizer.control(piece.spelling)
            text = ""
    yield from tokenizer.encode(text)
