"""Secrets beside a user's name or a scheme: URLs, `Authorization` headers, `curl -u`."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from context.secrets.finding import Finding
from context.secrets.linear_expression import compile_linear
from context.secrets.values import is_basic_auth, is_token, is_users_password

# Each expression has one group, the secret, and a check of it. None matches across a line's end.
_FORMS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "url-password": (
        r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"<>{}$*`]{0,64}:([^\s@'\"<>{}`/]{6,256})@[\w.%\[$-]",
        is_users_password,
    ),
    "bearer-token": (r"(?i)\b(?:bearer|token)[ \t:=]{1,4}['\"]?([a-z0-9._~+/=-]{16,1000})", is_token),
    # Of a key without a scheme.
    "authorization-header": (
        r"(?i)\bauthorization['\"]?\]?[ \t]{0,4}[:=,][ \t]{0,4}[bf]?['\"]?([a-z0-9._~+/=-]{20,1000})",
        is_token,
    ),
    "login-password": (
        r"(?:\b[aA]uth[ \t]*=[ \t]*\(|[bB]asic_?[aA]uth\(|\.login\()[ \t]*['\"][^'\"\r\n]{1,64}['\"][ \t]*,"
        r"[ \t]*['\"]([^'\"\r\n]{6,256})['\"]",
        is_users_password,
    ),
    "discord-webhook": (r"discord(?:app)?\.com/api/webhooks/\d{15,22}/([A-Za-z0-9_-]{50,90})", is_token),
    "basic-auth": (r"(?i)\bbasic[ \t]{1,4}([a-z0-9+/]{12,}={0,2})", is_basic_auth),
    "url-password-of-go": (r"\b[\w.-]{1,64}:([^\s:@'\"/]{6,256})@(?:tcp|unix|udp)\(", is_users_password),
    "curl-user": (r"(?:-u|--user|--proxy-user)[ =]['\"]?[\w.@+-]{1,64}:([^\s'\"]{6,256})", is_users_password),
    "command-password": (
        r"\b(?:(?:sshpass|docker[ \t]login|redis-cli|mysql(?:dump|admin)?|mariadb)\b(?:[ \t][^\n]{0,120})?[ \t]-[pa]"
        r"[ \t]?|pass(?:in|out|word)?[ \t]pass:)['\"]?([^\s'\"]{6,256})",
        is_users_password,
    ),
    "powershell-password": (
        r"(?i)\bconvertto-securestring[ \t]+(?:-string[ \t]+)?['\"]([^'\"\r\n]{6,256})['\"]",
        is_users_password,
    ),
    "sql-password": (
        r"(?i)\bidentified[ \t]+(?:with[ \t]+\S{1,40}[ \t]+)?by[ \t]+['\"]([^'\"\r\n]{6,256})['\"]",
        is_users_password,
    ),
}


def find_secrets_in_headers(data: bytes, start: int, end: int) -> Iterator[tuple[int, Finding]]:
    """Yield the secrets of these forms between two line starts, each with the offset of its form.

    The text has one byte a character.
    """
    for rule, expression in _expressions().items():
        is_secret = _FORMS[rule][1]
        for match in expression.finditer(data, start, end):
            first, last = match.span(1)
            if is_secret(data[first:last].decode("latin-1")):
                yield match.start(), Finding(first, last, rule)


@cache
def _expressions() -> dict[str, Any]:
    return {rule: compile_linear(form) for rule, (form, _) in _FORMS.items()}
