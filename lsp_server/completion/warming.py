"""The whole prompt of a place that was answered from a quick one, read in the background."""

from dataclasses import replace

from lsp_server.completion.outputs.candidates import read_prompt
from lsp_server.completion.pipeline import FillJob


def warming_job(answered: FillJob) -> FillJob:
    """Return the job that reads the whole prompt of an answered job, in the background."""
    source = replace(answered.source, quick_tokens=None)
    return replace(answered, source=source, is_ahead=True, is_quick=False, may_move_suffix=False, generate=read_prompt)
