"""The errors of a connection to a server, in words that name the server and say what to do."""

import re
import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from inference.remote.address import RemoteAddress
from inference.remote.key import how_to_set_key
from midspan import CapacityError, MidspanError, ModelError

if TYPE_CHECKING:  # openai is slow to import, and needed only where there is a server
    from openai import APIConnectionError, APIStatusError

_LONGEST_QUOTE_CHARACTERS = 200
_TOO_LONG = re.compile(r"context|too long|maximum.*(length|tokens)|exceeds?.*tokens", re.IGNORECASE)


class ServerAwayError(ModelError):
    """The server fails now and may answer later, without any change of settings."""


class Explainer:
    """Turns failures into errors, and takes the key, which servers quote, out of their messages."""

    def __init__(self, address: RemoteAddress, key: str | None, silence_s: float) -> None:
        self._address = address
        self._key = key
        self._silence_s = silence_s

    def explain(self, error: Exception) -> MidspanError:
        """Make the error to raise in place of one of openai's or of JSON's."""
        import openai

        url = self._address.url
        if isinstance(error, openai.APITimeoutError):
            return ServerAwayError(
                f"{url} did not answer for {self._silence_s:g} s. It may be loading its model or be overloaded: "
                f"look at its log, or take a smaller model."
            )
        if isinstance(error, openai.APIConnectionError):
            return self._explain_connection(error)
        if isinstance(error, openai.APIStatusError):
            return self._explain_status(error)
        if isinstance(error, openai.APIError):
            return ServerAwayError(f"{url} failed while it answered: {self.quote(error.body or error.message)}.")
        return self.not_the_api()

    def not_the_api(self) -> MidspanError:
        """Make the error for an answer that is not the API's JSON."""
        return ModelError(
            f"{self._address.url} does not answer as the OpenAI-compatible API does. "
            f"Check the address and its path, which often ends in /v1."
        )

    def cut(self) -> MidspanError:
        """Make the error for a stream that ended before the server said that it was done."""
        return ServerAwayError(
            f"{self._address.url} cut its answer short. Its log may say why; a proxy between may have ended it."
        )

    def withheld(self, finish: str) -> MidspanError:
        """Make the error for an answer that the server ended by a rule of its own."""
        return ServerAwayError(f"{self._address.url} ended its answer with {self.quote(finish)}. Try again later.")

    def _explain_connection(self, error: "APIConnectionError") -> MidspanError:
        url, causes = self._address.url, list(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ModelError(
                    f"{url}: the server's certificate is not trusted ({cause.verify_message}). Check the address; "
                    f"for an authority of your own, add its certificate to the system's, or name it in SSL_CERT_FILE."
                )
        for cause in causes:
            if isinstance(cause, ssl.SSLError):
                return ModelError(f"{url}: the server does not speak TLS. Check the port, or write http://.")
            if isinstance(cause, ConnectionRefusedError):
                return ServerAwayError(f"{url} refuses the connection. Start the server, or correct the address.")
            if isinstance(cause, socket.gaierror):
                return ServerAwayError(f"{url}: the host is not found. Check its name and the network.")
        if any("Protocol" in type(cause).__name__ or isinstance(cause, ConnectionError) for cause in causes):
            return self.cut()
        return ServerAwayError(f"{url} cannot be reached. Check the address and the network.")

    def _explain_status(self, error: "APIStatusError") -> MidspanError:
        url, status = self._address.url, error.status_code
        said = self.quote(error.body or error.response.text)
        if status in (401, 403):
            refused = "refuses the key" if self._key else "needs a key"
            return ModelError(f"{url} {refused} ({status}: {said}). To change it, {how_to_set_key(self._address)}.")
        if status == 404:
            model = self._address.model or "the model"
            return ModelError(
                f"{url} does not know {model}, or has no {error.request.url.path} (404: {said}). "
                f"Check the model's name and the address."
            )
        if status == 429:
            wait = error.response.headers.get("retry-after", "")
            when = f"in {wait} s" if wait.isdecimal() else "later"
            return ServerAwayError(f"{url} limits how often it is asked (429: {said}). Try again {when}.")
        if 300 <= status < 400:
            return ModelError(
                f"{url} redirects to {self.quote(error.response.headers.get('location', 'elsewhere'))}. Code is sent "
                f"only to the address that is set: if you trust the other one, write it there."
            )
        if status in (400, 413, 422) and _TOO_LONG.search(said):
            return CapacityError(
                f"The prompt is too long for {self._address} ({status}: {said}). "
                f"Start the server with a larger context, or set context_tokens in the model's address."
            )
        if status >= 500:
            return ServerAwayError(f"{url} failed ({status}: {said}). Its log says why.")
        return ModelError(f"{url} refuses the request ({status}: {said}).")

    def quote(self, said: object) -> str:
        """Quote the server's words: one short line without terminal control characters and without the key."""
        if isinstance(said, dict):
            said = said.get("message") or said.get("detail") or said.get("error") or said
        text = str(said)
        if self._key:
            text = text.replace(self._key, "[the key]")
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split()).rstrip(".")
        if len(text) > _LONGEST_QUOTE_CHARACTERS:
            text = f"{text[:_LONGEST_QUOTE_CHARACTERS]}…"
        return text or "without a word"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        if isinstance(seen, BaseExceptionGroup):  # of a host with several addresses, as localhost often is
            for member in seen.exceptions:
                yield from _causes(member)
        seen = seen.__cause__ or seen.__context__
