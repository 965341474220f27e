"""The text of a snippet in a prompt: whole lines under a comment with the path, cut to the room that there is."""

import re
from dataclasses import replace

from context.documents.document import path_comment
from context.prompt.snippet import Snippet
from context.prompt.window import CountTokens, count_within

MIN_SNIPPET_TOKENS = 32  # a shorter piece of a file says nothing
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON may hold one; no tokenizer takes it


def encodable(text: str) -> str:
    """Return the text with lone surrogates replaced, which no tokenizer takes."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def cut(snippet: Snippet, room_tokens: int, count: CountTokens) -> tuple[Snippet, int] | None:
    """Return the first lines of the snippet that fit under its path comment, and the tokens of both.

    None when too little of the snippet fits.
    """
    if room_tokens < MIN_SNIPPET_TOKENS:
        return None
    tokens = count(path_comment(snippet.language, snippet.path))
    lines = lines_of(snippet)
    for number, line in enumerate(lines):
        line_tokens = count_within(line, room_tokens - tokens, count)
        if tokens + line_tokens > room_tokens:
            if number == 0 or tokens < MIN_SNIPPET_TOKENS:
                return None
            return replace(snippet, text="".join(lines[:number])), tokens
        tokens += line_tokens
    return snippet, tokens


def count_snippet(snippet: Snippet, limit_tokens: int, count: CountTokens) -> int:
    """Count the tokens of a snippet and its path comment, up to the limit."""
    tokens = count(path_comment(snippet.language, snippet.path))
    for line in lines_of(snippet):
        if tokens >= limit_tokens:
            return limit_tokens
        tokens += count_within(line, limit_tokens - tokens, count)
    return min(tokens, limit_tokens)


def shown_text(snippet: Snippet, follows: Snippet | None) -> str:
    """Return the snippet's text in the prompt; parts of one file that stand together are under one path."""
    title = "" if follows is not None and follows.path == snippet.path else path_comment(snippet.language, snippet.path)
    return title + "".join(lines_of(snippet))


def lines_of(snippet: Snippet) -> list[str]:
    """Return the snippet's lines; every line ends with a newline, the last one too."""
    text = encodable(snippet.text)
    return [line + "\n" for line in text.removesuffix("\n").split("\n")]
