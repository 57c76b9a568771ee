"""The project beside the servers that people would use instead, on one machine in one run.

Each peer has an environment of its own in ``.peers``; one that cannot be installed is skipped and
said so. They serve the notebook's way, ``read_csv`` and a fitted scikit-learn pipeline for each
request; ours serves the deployed stage: its preprocessor script, its Linear Learner models, every
request signed, authorized and counted, and all its alarms on.

``python -m benchmarks.peers`` also writes docs/peers.json, the table and the chart.
"""

from benchmarks.figure import Figure
from benchmarks.peers.comparison import Comparison, compare


def run() -> list[Figure]:
    """Each server's throughput, warm and cold latency."""
    return figures(compare())


def figures(comparison: Comparison) -> list[Figure]:
    """The rows as figures; the others beside ours."""
    shown = []
    for row in comparison.rows:
        low, high = row.requests_spread
        rounds = f"rounds: {low:,.0f} to {high:,.0f}"
        shown.append(
            Figure(f"{row.name}, 8 connections", row.requests_per_second, "requests/s", rounds)
        )
        p99 = f"p99: {row.warm_p99:.2f}"
        shown.append(Figure(f"{row.name}, warm p50", row.warm_p50, "ms", p99))
        if row.cold_p50 is not None:
            p99 = f"p99: {row.cold_p99:.1f}"
            shown.append(Figure(f"{row.name}, cold p50", row.cold_p50, "ms", p99))
    shown += [Figure("skipped", 0, "", reason) for reason in comparison.skipped]
    return shown
