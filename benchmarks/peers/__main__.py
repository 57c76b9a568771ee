"""Measures, and writes docs/peers.json, docs/images/peers.svg and the table of docs/performance.md.

example: python -m benchmarks.peers
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.peers.comparison import Comparison, Row, compare

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- peers: written by python -m benchmarks.peers -->", "<!-- /peers -->"
HEAD = (
    "| server | models | requests/s at 8 | warm p50, p99 (ms) | cold p50, p99 (ms) |",
    "|---|---|---|---|---|",
)


def main() -> int:
    """Run the command; returns its exit status."""
    comparison = compare()
    table = markdown(comparison)
    print(table)
    moment = datetime.now(UTC).date().isoformat()
    content = {
        "measured": moment,
        "rows": [row.as_json() for row in comparison.rows],
        "skipped": comparison.skipped,
    }
    (DOCS / "peers.json").write_text(json.dumps(content, indent=2) + "\n")
    chart(comparison).savefig(DOCS / "images" / "peers.svg")
    page = DOCS / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    return 0


def markdown(comparison: Comparison) -> str:
    """The table, with ratios to the best peer, and what was skipped."""
    lines = [*HEAD]
    for row in comparison.rows:
        low, high = row.requests_spread
        cold = "" if row.cold_p50 is None else f"{row.cold_p50:,.1f}, {row.cold_p99:,.1f}"
        lines.append(
            f"| {row.name} | {row.models} | {row.requests_per_second:,.0f} ({low:,.0f} to"
            f" {high:,.0f}) | {row.warm_p50:.2f}, {row.warm_p99:.2f} | {cold} |"
        )
    lines += [f"\nSkipped: {reason}" for reason in comparison.skipped]
    lines += ["", *_ratios(comparison)]
    return "\n".join(lines)


def _ratios(comparison: Comparison) -> list[str]:
    ours, constant, *others = comparison.rows
    peers = [row for row in others if row.cold_p50 is not None]
    share = ours.requests_per_second / constant.requests_per_second
    lines = [f"Ours reaches {share:.2f} of the requests of the same server's constant."]
    if peers:
        most = max(peers, key=lambda row: row.requests_per_second)
        warm = min(peers, key=lambda row: row.warm_p50)
        cold = min(peers, key=_cold)
        lines.append(
            f"Beside the best peer: {ours.requests_per_second / most.requests_per_second:.0f} times"
            f" the requests of {most.name}, a warm p50 of 1/{warm.warm_p50 / ours.warm_p50:.0f} of"
            f" {warm.name}'s, a cold p50 of 1/{_cold(cold) / _cold(ours):.0f} of {cold.name}'s."
        )
    return lines


def _cold(row: Row) -> float:
    return row.cold_p50 or float("inf")


def chart(comparison: Comparison) -> Figure:
    """Three panels of bars, on logarithmic axes."""
    figure = Figure(figsize=(9, 0.5 + 0.35 * len(comparison.rows)), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    names = [row.name for row in comparison.rows]
    values: dict[str, list[float | None]] = {
        "requests/s at 8 connections": [row.requests_per_second for row in comparison.rows],
        "warm p50 (ms)": [row.warm_p50 for row in comparison.rows],
        "cold p50 (ms)": [row.cold_p50 for row in comparison.rows],
    }
    for axes, (title, numbers) in zip(panels, values.items(), strict=True):
        for place, number in enumerate(numbers):
            if number is not None:
                axes.barh(place, number, color="#1f5fa8" if place == 0 else "#8a94a0")
                axes.annotate(f" {number:,.3g}", (number, place), va="center", fontsize=8)
        axes.set_xscale("log")
        axes.margins(x=0.4)
        axes.set_title(title, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    return figure


if __name__ == "__main__":
    sys.exit(main())
