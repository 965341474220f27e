"""The counts of `midspan stats` as tables."""

from typing import Any

_COLUMNS = ("suggestions", "accepted", "in part", "typed", "rate", "characters")


def stats_in_words(found: dict[str, Any], since: str) -> str:
    """A table by language and by editor, a row for all, and the latency."""
    total = found["total"]
    edits = total["next_edits"]
    if not total["answers"] and not total["suggestions"] and not edits["shown"]:
        return f"Nothing was counted since {since}."
    rows = [f"since {since}"]
    for title, groups in (("language", found["by_language"]), ("editor", found["by_editor"])):
        rows.append(f"\n{title:20}" + "".join(f"{column:>13}" for column in _COLUMNS))
        rows += [_row(name, counts) for name, counts in groups.items()]
    rows.append(_row("in all", total))
    percentiles = ", ".join(f"{name} {ms:,.0f} ms" for name, ms in total["latency_ms"].items() if ms is not None)
    rows.append(f"\nlatency: {percentiles or 'nothing shown'} ({total['answers']:,} answers of the model)")
    if total["reuse"] is not None:
        rows.append(f"reuse: {total['reuse']:.0%} of the tokens of all prompts were in the prefix cache")
    if total["shown_share"] is not None:
        rows.append(f"shown: {total['shown_share']:.0%} of the tokens that the model wrote")
    if total["drafts"]:
        sources = ", ".join(f"{name} {counts['right'] or 0:.0%}" for name, counts in total["drafts"].items())
        rows.append(
            f"drafts: {total['drafted_share'] or 0:.0%} of the tokens that were written; right by source: {sources}"
        )
    if edits["shown"]:
        shown, accepted, dismissed = (f"{edits[kind]:,}" for kind in ("shown", "accepted", "dismissed"))
        rows.append(f"next edits: {accepted} accepted and {dismissed} dismissed of {shown} shown")
    return "\n".join(rows)


def _row(name: str, counts: dict[str, Any]) -> str:
    rate = "" if counts["acceptance"] is None else f"{counts['acceptance']:.0%}"
    numbers = [f"{counts[column]:,}" for column in ("suggestions", "accepted", "part", "typed")]
    values = [*numbers, rate, f"{counts['characters']:,}"]
    return f"{' '.join(name.split()) or 'unnamed':20}" + "".join(f"{value:>13}" for value in values)
