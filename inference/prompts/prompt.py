"""Builds prompts from ids: sentinels by their ids, the user's text by the tokenizer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inference.api import ContextFile, ForeignPromptError, Message, Prompt, Repository
from inference.prompts.families import Control, Pieces
from inference.prompts.tokenizer import FileSentinels, FimSentinels, Tokenizer
from midspan import ModelError

# Documents know their paths within the repository, but not its name.
REPOSITORY_NAME = "repository"
_BLANK_REST_OF_LINE = re.compile(r"\A[ \t]*(?:\r\n|\n)")


@dataclass(frozen=True)
class TokenPrompt:
    """A prompt of the engine inside the process: the ids of the whole prompt, from BOS to the place of the answer.

    `vocabulary` is the file of the tokenizer whose ids these are; None: the caller of the engine has made it up.
    """

    tokens: tuple[int, ...]
    vocabulary: Path | None = field(default=None, compare=False)

    @property
    def num_tokens(self) -> int:
        """The number of ids."""
        return len(self.tokens)

    @property
    def identity(self) -> str:
        """The ids in decimal."""
        return " ".join(map(str, self.tokens))


def read_own_tokens(prompt: Prompt, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return the ids of a prompt. Raises ForeignPromptError when an engine with another tokenizer made it.

    Its ids may lie behind the end of this model's tables.
    """
    if isinstance(prompt, TokenPrompt) and prompt.vocabulary not in (None, tokenizer.path):
        raise ForeignPromptError
    return read_tokens(prompt)


def read_tokens(prompt: Prompt) -> tuple[int, ...]:
    """Return the ids of a prompt. Raises ForeignPromptError when a remote engine made it."""
    if not isinstance(prompt, TokenPrompt):
        raise ForeignPromptError
    return prompt.tokens


def build_fim_prompt(
    tokenizer: Tokenizer, order: str, context: str, prefix: str, suffix: str, repository: Repository | None = None
) -> tuple[int, ...]:
    """Build the prompt that the text between `prefix` and `suffix` continues. Raises ModelError without FIM sentinels.

    `context` is text of other files, before the current one. The released models know the order "psm":
    BOS begin context prefix hole suffix end. The order "spm" puts the suffix first, so that typing changes only the
    end: BOS context hole suffix begin prefix end (Bavarian et al., arXiv:2207.14255, section 4.3, without a sentinel
    before the middle; with that sentinel, a small model learns where a middle stops).

    `repository` says the same as `context` and `prefix` without path comments, and replaces them where the family has
    separators for files: such models were not trained with path comments. Their training had a hole on an empty line
    replace the whole line with its end.
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


def split_at_hole(tokens: Sequence[int], fim: FimSentinels | None) -> tuple[Sequence[int], Sequence[int]]:
    """Return the ids of a prompt before its hole, and those of the suffix; all and none where there is no hole."""
    if fim is None or not tokens or tokens[-1] != fim.end:
        return tokens, ()
    places = {token: place for place, token in enumerate(tokens) if token in (fim.begin, fim.hole)}
    begin, hole = places[fim.begin], places[fim.hole]
    if begin < hole:
        return tokens[:hole], tokens[hole + 1 : -1]
    return tokens[:-1], tokens[hole + 1 : begin]


def _repository_tokens(tokenizer: Tokenizer, files: FileSentinels, repository: Repository) -> Iterator[int]:
    yield from _file_tokens(tokenizer, files, repository.files)
    yield files.separator
    yield from tokenizer.encode(f"{repository.path}\n")


def _file_tokens(tokenizer: Tokenizer, sentinels: FileSentinels, files: Sequence[ContextFile]) -> Iterator[int]:
    """Encode files in Qwen2.5-Coder's form (arXiv:2409.12186, section 3.2.2): a name, then files behind separators."""
    yield sentinels.repository_name
    yield from tokenizer.encode(f"{REPOSITORY_NAME}\n")
    for file in files:
        yield sentinels.separator
        yield from tokenizer.encode(f"{file.path}\n{file.text}")


def build_chat_prompt(
    tokenizer: Tokenizer, messages: Sequence[Message], files: Sequence[ContextFile] = ()
) -> tuple[int, ...]:
    """Build a conversation by the family's template, up to the place where the assistant's answer begins.

    `files` stand before the conversation in the same tokens that a prompt for a hole begins with, so that both share
    the prefix cache: behind separators (Qwen2.5-Coder), or under path comments after BOS, as in the order "spm". In the
    order "psm", path comments stand behind the FIM sentinel, as DeepSeek trained it; a chat cannot begin with that
    sentinel, and shares nothing. No released DeepSeek model does both, so nothing is lost.
    """
    template = tokenizer.family.chat
    if template is None:
        raise ModelError(f"{tokenizer.path}: Midspan does not know the form of {tokenizer.family.name} conversations")
    spelled = {"system": template.system, "user": template.user, "assistant": template.assistant}
    before = tuple(encode_pieces(tokenizer, template.opening))
    pieces: list[str | Control] = []
    if files and tokenizer.sentinels.files is not None:
        before = (*before, *_file_tokens(tokenizer, tokenizer.sentinels.files, files))
    elif files:
        before = (*before, *tokenizer.encode("".join(file.title + file.text for file in files)))
        pieces.append("\n")  # in these families files stand before the conversation as a system message does: as text
    if template.default_system is not None and not any(message.role == "system" for message in messages):
        pieces += _fill(template.system, template.default_system)
    for message in messages:
        pieces += _fill(spelled[message.role], message.content)
    return (*before, *encode_pieces(tokenizer, [*pieces, *template.answer]))


def _fill(pieces: Pieces, content: str) -> Iterator[str | Control]:
    for piece in pieces:
        yield piece if isinstance(piece, Control) else piece.replace("{content}", content)


def encode_pieces(tokenizer: Tokenizer, pieces: Sequence[str | Control]) -> Iterator[int]:
    """Encode pieces, joining the text up to the next control token: a token may reach across two messages."""
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        elif not piece.is_required and not tokenizer.has_control(piece.spelling):
            text += piece.spelling
        else:
            yield from tokenizer.encode(text)
            yield tokenizer.control(piece.spelling)
            text = ""
    yield from tokenizer.encode(text)
