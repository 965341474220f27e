"""The log, the traces and the usage counts say of each source of drafts what was drafted and what was right."""

from pathlib import Path

import pytest

from inference.api import DraftUse, Trace
from lsp_server.cli.output.stats_words import stats_in_words
from lsp_server.cli.output.trace_words import trace_in_full
from lsp_server.telemetry.record import Record, format_trace
from lsp_server.telemetry.traces import Traces, to_json
from lsp_server.telemetry.usage import Usage
from lsp_server.telemetry.usage_file import read_counts
from lsp_server.telemetry.usage_report import make_report

USES = (DraftUse("prompt", 8, 2), DraftUse("lines", 5, 3))
TRACE = Trace(100, 90, 10, 20, 5.0, 50.0, drafted_tokens=13, accepted_tokens=5, drafts=USES)


@pytest.fixture
def record() -> Record:
    record = Record("completion", "a.py", (0, 0), language="python", trace=TRACE)
    record.shows(10)
    return record


def test_the_log_and_the_trace_name_the_sources(record: Record) -> None:
    assert "; 5 of 13 drafted tokens accepted (lines 3 of 5, prompt 2 of 8)" in format_trace(TRACE)
    traces = Traces()
    traces.add(record, "Neovim")
    (trace,) = to_json(traces.newest())["traces"]
    assert trace["drafts"] == {"prompt": (2, 8), "lines": (3, 5)}
    assert "drafts      lines 3 of 5, prompt 2 of 8" in trace_in_full(trace)
    record.trace = None
    traces.add(record, "Neovim")
    (_, trace) = to_json(traces.newest())["traces"]
    assert trace["drafts"] == {}
    assert "drafts" not in trace_in_full(trace)


async def test_the_counts_of_several_completions_are_added_up(record: Record, tmp_path: Path) -> None:
    usage = Usage(tmp_path / "usage.sqlite3")
    for _ in range(3):
        usage.count_completion(record, "Neovim")
    usage.close()
    report = make_report(read_counts(tmp_path / "usage.sqlite3", ""))
    assert report["total"]["drafts"] == {"lines": {"tokens": 15, "right": 0.6}, "prompt": {"tokens": 24, "right": 0.25}}
    assert report["total"]["drafted_share"] == 0.25
    words = stats_in_words(report, "2026-01-01")
    assert "drafts: 25% of the tokens that were written; right by source: lines 60%, prompt 25%" in words
    assert "drafts" not in stats_in_words(make_report({}), "2026-01-01")


async def test_without_drafts_nothing_is_said_of_them(record: Record, tmp_path: Path) -> None:
    record.trace = Trace(100, 90, 10, 20, 5.0, 50.0)
    usage = Usage(tmp_path / "usage.sqlite3")
    usage.count_completion(record, "Neovim")
    usage.close()
    report = make_report(read_counts(tmp_path / "usage.sqlite3", ""))
    assert report["total"]["drafts"] == {}
    assert "drafts" not in stats_in_words(report, "2026-01-01")
