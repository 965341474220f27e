"""The address of a remote model, as the user writes it: ``remote:URL#MODEL``."""

import ipaddress
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import parse_qsl, urlsplit

from midspan import SettingsError

PREFIX = "remote:"
_FORM = "remote:http://HOST:PORT/v1#MODEL"

# The form of a hole: a family's sentinels in the prompt, or the API's own `suffix`.
FimForm = Literal["deepseek", "qwen", "seed", "suffix"]


@dataclass(frozen=True)
class RemoteAddress:
    """A server and a model on it. No text of an address holds its key, so it may be shown and logged."""

    url: str  # without a slash at its end
    host: str
    model: str | None = None  # None: the only one that the server lists
    fim: FimForm | None = None  # None: by the model's name
    context_tokens: int | None = None  # None: what the server says
    key: str | None = field(default=None, repr=False)  # of the editor that asks; None: `find_key` looks for one

    def __str__(self) -> str:
        return f"{self.model} at {self.url}" if self.model else self.url

    @property
    def is_this_machine(self) -> bool:
        """True when the server is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")


def is_remote(setting: str) -> bool:
    """Return whether a model's setting names a server rather than a folder."""
    return setting.startswith(PREFIX)


def parse_address(setting: str) -> RemoteAddress:
    """Read ``remote:URL[?fim=FORM&context_tokens=N][#MODEL]``; a URL without a path gets /v1.

    Raises SettingsError, which never quotes text that may be a key.
    """
    location, _, model = setting.removeprefix(PREFIX).strip().partition("#")
    if any(character.isspace() or not character.isprintable() for character in location + model):
        raise SettingsError(f"The address of a remote model holds a space or a control character. Write {_FORM}.")
    try:
        parts = urlsplit(location)
        host, port = parts.hostname, parts.port
    except ValueError:  # the message of urlsplit would quote the text in the place of the port
        raise SettingsError(f"The address of a remote model has no valid host or port. Write {_FORM}.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError(f"The address of a remote model begins with http:// or https:// and a host. Write {_FORM}.")
    if "@" in parts.netloc:
        raise SettingsError(
            f"The address of the remote model at {host} holds a name or a password. A key does not belong in "
            f"settings: set {key_variable(host)}, or store it in the keyring."
        )
    fim, context_tokens = _parse_options(parts.query)
    written_host = f"[{host}]" if ":" in host else host
    netloc = written_host if port is None else f"{written_host}:{port}"
    url = f"{parts.scheme}://{netloc}{parts.path.rstrip('/') or '/v1'}"
    return RemoteAddress(url, host, model or None, fim, context_tokens)


def key_variable(host: str) -> str:
    """Return the environment variable of a host's key. Each host has its own, so that no host gets another's key."""
    return "MIDSPAN_KEY_" + "".join(letter.upper() if letter.isalnum() else "_" for letter in host)


def _parse_options(query: str) -> tuple[FimForm | None, int | None]:
    fim: FimForm | None = None
    context_tokens = None
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "fim":
            fim = next((form for form in get_args(FimForm) if form == value), None)
            if fim is None:
                raise SettingsError(f"fim in a remote model's address is one of {', '.join(get_args(FimForm))}.")
        elif name == "context_tokens":
            if not value.isdecimal() or int(value) < 1:
                raise SettingsError("context_tokens in a remote model's address is a whole number of at least 1.")
            context_tokens = int(value)
        else:
            raise SettingsError(f"A remote model's address has no {name!r}. There are: fim, context_tokens.")
    return fim, context_tokens
