"""`midspan stats`: what was accepted and how long it took, as counted on this machine."""

import json
import sqlite3
from typing import Any

from lsp_server.cli.output.terminal_text import visible_text
from lsp_server.telemetry.usage_file import read_counts, usage_file
from lsp_server.telemetry.usage_report import first_day, make_report
from midspan import SettingsError

_COLUMNS = ("suggestions", "accepted", "in part", "typed", "rate", "characters")


def show_stats(days: int, *, as_json: bool) -> int:
    """Prints them; the exit code. Raises SettingsError when the file cannot be read."""
    path = usage_file()
    since = first_day(days)
    try:
        found = make_report(read_counts(path, since))
    except sqlite3.Error as error:
        raise SettingsError(f"{path} cannot be read ({error}). Delete it to begin anew.") from error
    if as_json:
        print(json.dumps({"file": str(path), "since": since, **found}, indent=2))
    else:
        print(visible_text(_in_words(found, since)))
        print(f"\nCounted in {path}, on this machine alone. `stats = false` in your settings ends it.")
    return 0


def _in_words(found: dict[str, Any], since: str) -> str:
    total = found["total"]
    if not total["answers"] and not total["suggestions"]:
        return f"Nothing was counted since {since}."
    rows = [f"since {since}"]
    for title, groups in (("language", found["by_language"]), ("editor", found["by_editor"])):
        rows.append(f"\n{title:20}" + "".join(f"{column:>13}" for column in _COLUMNS))
        rows += [_row(name, counts) for name, counts in groups.items()]
    rows.append(_row("in all", total))
    percentiles = ", ".join(f"{name} {ms:,.0f} ms" for name, ms in total["latency_ms"].items() if ms is not None)
    rows.append(f"\nlatency: {percentiles or 'nothing shown'} ({total['answers']:,} answers of the model)")
    if total["reuse"] is not None:
        rows.append(f"reuse: {total['reuse']:.0%} of the tokens of all prompts were in the cache")
    return "\n".join(rows)


def _row(name: str, counts: dict[str, Any]) -> str:
    rate = "" if counts["acceptance"] is None else f"{counts['acceptance']:.0%}"
    numbers = [f"{counts[column]:,}" for column in ("suggestions", "accepted", "part", "typed")]
    values = [*numbers, rate, f"{counts['characters']:,}"]
    return f"{' '.join(name.split()) or 'unnamed':20}" + "".join(f"{value:>13}" for value in values)
