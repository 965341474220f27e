"""Builds the endpoint and the body of a request to the API."""

from typing import Any

from inference.api import Request
from inference.remote.address import FimForm
from inference.remote.prompt import ChatPrompt, HolePrompt
from inference.remote.spelling import defuse, spell_hole


def hole_body(hole: HolePrompt, form: FimForm, model: str, request: Request) -> tuple[str, dict[str, Any]]:
    """Build a request for the text in a hole."""
    prompt, suffix = spell_hole(form, hole.before, hole.after)
    body = {"prompt": prompt} if suffix is None else {"prompt": prompt, "suffix": suffix}
    return "/completions", body | _limits(model, request)


def chat_body(chat: ChatPrompt, model: str, request: Request) -> tuple[str, dict[str, Any]]:
    """Build a request for the assistant's next answer."""
    spelled = [{"role": message.role, "content": defuse(message.content)} for message in chat.messages]
    return "/chat/completions", {"messages": spelled} | _limits(model, request)


def _limits(model: str, request: Request) -> dict[str, Any]:
    sampling = request.sampling
    body: dict[str, Any] = {"model": model, "max_tokens": request.max_new_tokens, "temperature": sampling.temperature}
    if sampling.temperature > 0:
        body |= {"top_p": sampling.top_p, "seed": sampling.seed}
    return body
