"""What an experiment shows while it runs and when it is done."""

import sys

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from fleet.cache.endpoint import WatchedEndpoint
from fleet.cache.experiment import Experiment
from fleet.cache.invocation import Invocation
from fleet.cache.metrics import LOADED_MODELS
from fleet.cache.summary import CacheCounts, Latencies, Summary
from fleet.cache.traffic import Pass
from fleet.console import Console

COLUMNS = (
    "pass", "invocations", "errors", "hit ratio", "loads", "unloads",
    "cold p50/p95/p99 ms", "warm p50/p95/p99 ms", "per second",
)  # fmt: skip


class ProgressReport:
    """On standard error: a bar for each pass on a terminal, otherwise a line when it begins."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=RichConsole(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "ProgressReport":
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def begin_pass(self, number: int, one: Pass) -> None:
        text = f"pass {number}: {one.label}"
        if self._progress.disable:
            print(text, file=sys.stderr, flush=True)
        self._task = self._progress.add_task(text, total=len(one.target_models))

    def add(self, invocation: Invocation) -> None:
        """Count an invocation; may be called from any thread."""
        if self._task is not None:
            self._progress.advance(self._task)


def print_summary(console: Console, endpoint: WatchedEndpoint, experiment: Experiment) -> None:
    """A table with a row for each pass, and in words what it says of the cache."""
    rows = [
        (f"{number}: {one.label}", *_cells(one.summary))
        for number, one in enumerate(experiment.passes, 1)
    ]
    rows.append(("all", *_cells(experiment.summary)))
    console.table(f"{endpoint.name}, {endpoint.hardware}", COLUMNS, rows)
    for code, count in experiment.summary.errors.items():
        console.say(f"{count} × {code}")
    console.say(verdict(experiment))


def verdict(experiment: Experiment) -> str:
    """Whether the models fitted into the cache, as a sentence."""
    if not experiment.metrics_complete:
        return (
            "CloudWatch does not have all of the metrics yet; "
            "counts, cold and warm may be incomplete."
        )
    most = round(max(experiment.metrics[LOADED_MODELS].values, default=0))
    unloads = experiment.summary.cache.unloads if experiment.summary.cache else 0
    if not unloads:
        return f"No model was unloaded: the cache held all {most} that were asked for."
    thrashed = next(
        number
        for number, one in enumerate(experiment.passes, 1)
        if one.summary.cache and one.summary.cache.unloads
    )
    return (
        f"The cache held at most {most} models an instance and unloaded {unloads} to make room, "
        f"first in pass {thrashed}."
    )


def _cells(summary: Summary) -> tuple[str, ...]:
    return (
        str(summary.invocations),
        str(sum(summary.errors.values())),
        *_cache_cells(summary.cache),
        _latency_cell(summary.cold),
        _latency_cell(summary.warm),
        f"{summary.throughput:.3g}",
    )


def _cache_cells(cache: CacheCounts | None) -> tuple[str, str, str]:
    if cache is None or cache.hit_ratio is None:
        return "–", "–", "–"
    return f"{cache.hit_ratio:.2f}", str(cache.loads), str(cache.unloads)


def _latency_cell(latencies: Latencies | None) -> str:
    if latencies is None:
        return "–"
    return " / ".join(
        f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
        for value in (latencies.p50, latencies.p95, latencies.p99)
    )
