"""Expressions that take time linear in the text, whatever the text holds: RE2's, for texts of one byte a character."""

from typing import Any

import re2


def compile_linear(pattern: str) -> Any:
    """Return the expression, whose methods are those of `re`, for bytes."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return re2.compile(pattern.encode("latin-1"), options)
