"""The client of a server. Imports openai: remote engine's thread only."""

import json
import ssl
from collections.abc import AsyncGenerator
from typing import Any

import openai

from inference.remote.address import RemoteAddress
from inference.remote.chunks import Chunk, ListedModel, read_chunk, read_models
from inference.remote.failures import Explainer
from inference.remote.patience import Patience
from midspan import __version__
from midspan.proxy import refused_proxy

# The headers that are sent. openai would add the versions of the system and of Python, and from its own environment
# variables headers and keys that are meant for another server.
_HEADERS = frozenset({"host", "accept", "accept-encoding", "connection", "content-type", "content-length"})
# Answers of servers that have no list of models, or show it to other keys than those for completions. A request to
# complete tells whether the key is right.
_NO_LIST = frozenset({400, 403, 405, 501})
_FAILURES = (openai.OpenAIError, json.JSONDecodeError, UnicodeDecodeError)


class Server:
    """A client for one address. `key` goes into one header and nowhere else."""

    def __init__(self, address: RemoteAddress, key: str | None, patience: Patience) -> None:
        self.explainer = Explainer(address, key, patience.silence_s)
        self._names_model = address.model is not None

        async def set_headers(
            request: Any,
        ) -> None:  # Any: the HTTP library's type, which differs between openai's versions
            for name in [name for name in request.headers if name.lower() not in _HEADERS]:
                del request.headers[name]
            request.headers["User-Agent"] = f"midspan/{__version__}"
            if key:
                request.headers["Authorization"] = f"Bearer {key}"

        async def limit_retries(response: Any) -> None:
            wait = response.headers.get("retry-after", "")
            if wait.isdecimal() and int(wait) > patience.longest_pause_s:
                response.headers["x-should-retry"] = "false"  # openai's client obeys it

        options: dict[str, Any] = {"event_hooks": {"request": [set_headers], "response": [limit_retries]}}
        if address.is_this_machine:
            # A proxy from the environment would get text that is meant to stay on this machine. OpenSSL still looks for
            # the certificates that SSL_CERT_FILE names.
            options |= {"trust_env": False, "verify": ssl.create_default_context()}
        try:
            http_client = openai.DefaultAsyncHttpxClient(follow_redirects=False, **options)
        except (ImportError, ValueError) as error:
            raise refused_proxy(address.url, error) from None
        self._client = openai.AsyncOpenAI(
            api_key="set by set_headers",
            base_url=address.url,
            max_retries=patience.retries,
            timeout=openai.Timeout(patience.silence_s, connect=patience.connect_s),
            http_client=http_client,
        )

    async def models(self) -> list[ListedModel]:
        """Return the models that the server lists. Raises MidspanError.

        There are none where the server has no list, or refuses it and the setting names the model.
        """
        try:
            answer = await self._client.get("/models", cast_to=object)
        except openai.NotFoundError:
            return []
        except _FAILURES as error:
            if self._names_model and isinstance(error, openai.APIStatusError) and error.status_code in _NO_LIST:
                return []
            raise self.explainer.explain(error) from None  # openai's error holds the request with the key
        if (models := read_models(answer)) is None:
            raise self.explainer.not_the_api()
        return models

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[Chunk, None]:
        """Stream the answer. Leaving the loop closes the connection. Raises MidspanError.

        The last chunk with text has `finish`; a stream without one was cut.
        """
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        finished = began = False
        try:
            events = await self._client.post(
                path, body=body, cast_to=object, stream=True, stream_cls=openai.AsyncStream[object]
            )
            async with events:
                async for event in events:
                    began = True
                    if (chunk := read_chunk(event)) is None:
                        raise self.explainer.not_the_api()
                    finished = finished or chunk.finish is not None
                    yield chunk
        except _FAILURES as error:
            raise self.explainer.explain(error) from None
        if not finished:
            raise self.explainer.cut() if began else self.explainer.not_the_api()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
