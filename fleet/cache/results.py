"""An experiment as files: invocations.csv, one row an invocation, and results.json with it all."""

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from fleet.cache.endpoint import WatchedEndpoint
from fleet.cache.experiment import Experiment
from fleet.cache.invocation import Invocation
from fleet.cache.metrics import Metric, Series
from fleet.cache.summary import Summary

COLUMNS = (
    "number", "pass", "target_model", "started", "latency_ms", "cold_or_warm", "retries", "error",
)  # fmt: skip


def invocations_csv(experiment: Experiment) -> str:
    """One row an invocation; times in UTC, latencies in milliseconds."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(invocation) for invocation in experiment.invocations)
    return text.getvalue()


def results_json(
    endpoint: WatchedEndpoint, settings: Mapping[str, object], experiment: Experiment
) -> str:
    """Endpoint, settings, summaries, rows and CloudWatch series."""
    document = {
        "endpoint": {**asdict(endpoint), "simulated_metrics": sorted(endpoint.simulated_metrics)},
        "settings": dict(settings),
        "period_seconds": experiment.period,
        "metrics_complete": experiment.metrics_complete,
        "summary": summary_document(experiment.summary),
        "passes": [summary_document(one.summary) for one in experiment.passes],
        "metrics": [_series(metric, series) for metric, series in experiment.metrics.items()],
        "invocations": [_row(invocation) for invocation in experiment.invocations],
    }
    return json.dumps(document, indent=1) + "\n"


def summary_document(summary: Summary) -> dict[str, object]:
    """The summary with hit ratio and misses, ready for JSON."""
    document = asdict(summary)
    if summary.cache:
        document["cache"] |= {
            "misses": summary.cache.misses,
            "hit_ratio": summary.cache.hit_ratio,
        }
    return document


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _row(invocation: Invocation) -> dict[str, object]:
    temperature = {True: "cold", False: "warm", None: ""}[invocation.cold]
    return {
        "number": invocation.request.number,
        "pass": invocation.request.pass_number,
        "target_model": invocation.request.target_model,
        "started": _utc(invocation.started),
        "latency_ms": round(invocation.latency * 1000, 3),
        "cold_or_warm": temperature,
        "retries": invocation.retries,
        "error": invocation.error or "",
    }


def _series(metric: Metric, series: Series) -> dict[str, object]:
    return {
        "metric": f"{metric.namespace} {metric.name}",
        "statistic": metric.statistic,
        "timestamps": [_utc(timestamp) for timestamp in series.timestamps],
        "values": list(series.values),
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
