"""The whole prompt of a place that was answered from its quick prompt, read into the cache while the user goes on."""

from dataclasses import replace

from context.documents.snapshot import Snapshot
from inference.api import Engine, Request
from lsp_server.completion.pipeline import FillJob
from lsp_server.server.generate import Generated, generate


def warming_job(answered: FillJob) -> FillJob:
    """Return the job that reads the whole prompt of an answered job, in the background."""
    source = replace(answered.source, quick_tokens=None)
    return replace(answered, source=source, is_ahead=True, is_quick=False, generate=_read)


async def _read(engine: Engine, request: Request, _seen: Snapshot) -> list[Generated]:
    """Read the prompt; the one token of output is not used."""
    return [await generate(engine, replace(request, max_new_tokens=1))]
