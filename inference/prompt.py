"""Prompts, built from ids: sentinels by id, the user's text as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inference.tokenizer import Tokenizer
from midspan import ModelError


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


def build_fim_prompt(tokenizer: Tokenizer, order: str, context: str, prefix: str, suffix: str) -> tuple[int, ...]:
    """The prompt whose continuation is the text between `prefix` and `suffix`.

    `context` is text of other files, before the current one. Order "psm" is DeepSeek's:
    BOS begin context prefix hole suffix end. "spm" puts the suffix first, so that typing only appends:
    BOS context begin hole suffix end prefix (Bavarian et al., arXiv:2207.14255, section 4.3).
    """
    sentinels = tokenizer.sentinels
    if sentinels.fim is None:
        raise ModelError(
            f"{tokenizer.path}: has no FIM sentinels, so the model cannot fill a hole; "
            f"use a base model that was trained with FIM for completion"
        )
    begin, hole, end = sentinels.fim.begin, sentinels.fim.hole, sentinels.fim.end
    encode = tokenizer.encode
    if order == "psm":
        before = (sentinels.bos, begin, *encode(context), *encode(prefix))
        return (*before, hole, *encode(suffix), end)
    before = (sentinels.bos, *encode(context), begin, hole)
    return (*before, *encode(suffix), end, *encode(prefix))


FIM_PROMPT_OVERHEAD_TOKENS = 4  # BOS, begin, hole, end


def build_chat_prompt(tokenizer: Tokenizer, messages: Sequence[Message]) -> tuple[int, ...]:
    """DeepSeek-Coder-V2's template, ending where the assistant's answer begins.

    There is no space after the last colon: with one, the answer begins with another token.
    """
    tokens = [tokenizer.sentinels.bos]
    for message in messages:
        if message.role == "system":
            tokens += tokenizer.encode(f"{message.content}\n\n")
        elif message.role == "user":
            tokens += tokenizer.encode(f"User: {message.content}\n\n")
        else:
            tokens += tokenizer.encode(f"Assistant: {message.content}")
            tokens.append(tokenizer.sentinels.eos)
    return (*tokens, *tokenizer.encode("Assistant:"))
