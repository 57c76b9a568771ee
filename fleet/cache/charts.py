"""The charts of an experiment as PNG files.

The first two are drawn from CloudWatch metrics alone, so that they work for any endpoint whose
metrics CloudWatch still has; the third shows every invocation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from fleet.cache.endpoint import WatchedEndpoint
from fleet.cache.experiment import Experiment, PassResult
from fleet.cache.invocation import Invocation
from fleet.cache.metrics import HIT_RATIO, LOADED_MODELS, MEMORY, Metric, plateaus
from fleet.cache.summary import Latencies

BLUE, RED, GREEN, INK, GREY = "#1f5fa8", "#d1495b", "#2a9d6f", "#222b36", "#8a94a0"
GAP = 1.5
"""Periods; points further apart have others between them that are missing."""
_STYLE = Path(__file__).with_name("report.mplstyle")
_COLD_NOTE = (
    "Cold: as many as CloudWatch counted misses in each of its periods; "
    "in a period with hits and misses, the slowest."
)


@dataclass(frozen=True)
class _Look:
    """How plateaus of a metric are written; ``offset`` from the line in points."""

    color: str
    text: str
    offset: int


def draw_charts(directory: Path, endpoint: WatchedEndpoint, experiment: Experiment) -> list[Path]:
    """Write the three charts into the directory; answers their paths."""
    charts = {
        "loaded-models.png": loaded_models_chart,
        "cache-hits.png": cache_hits_chart,
        "latency.png": latency_chart,
    }
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, draw in charts.items():
        path = directory / name
        with style.context(_STYLE):
            draw(endpoint, experiment).savefig(path)
        paths.append(path)
    return paths


def loaded_models_chart(endpoint: WatchedEndpoint, experiment: Experiment) -> Figure:
    """LoadedModelCount on the left, MemoryUtilization on the right axis."""
    figure, axes = _metrics_chart(endpoint, experiment, "Models in memory")
    memory_axes = _right_axes(axes, "MemoryUtilization (%)", RED, top=100)
    _plot_metric(memory_axes, experiment, MEMORY, RED)
    _annotate_plateaus(memory_axes, experiment, MEMORY, _Look(RED, "{:.0f} %", -11))
    _footnote(figure, endpoint, experiment, (LOADED_MODELS, MEMORY))
    return figure


def cache_hits_chart(endpoint: WatchedEndpoint, experiment: Experiment) -> Figure:
    """LoadedModelCount on the left, ModelCacheHit (share of look-ups) on the right axis."""
    figure, axes = _metrics_chart(endpoint, experiment, "Cache hits")
    hit_axes = _right_axes(axes, "ModelCacheHit (average)", GREEN, top=1.0)
    _plot_metric(hit_axes, experiment, HIT_RATIO, GREEN)
    _footnote(figure, endpoint, experiment, (LOADED_MODELS, HIT_RATIO))
    return figure


def latency_chart(endpoint: WatchedEndpoint, experiment: Experiment) -> Figure:
    """Latency of every invocation over time, cold and warm apart, on a logarithmic scale."""
    figure = Figure()
    axes = figure.subplots()
    rows = [row for row in experiment.invocations if row.succeeded]
    summary = experiment.summary
    _scatter(axes, [row for row in rows if row.cold], experiment, RED, "cold", summary.cold)
    _scatter(
        axes, [row for row in rows if row.cold is False], experiment, BLUE, "warm", summary.warm
    )
    _scatter(axes, [row for row in rows if row.cold is None], experiment, GREY, "unknown", None)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("latency at the client (ms)")
    axes.set_title(f"Latency: {endpoint.name}, {endpoint.hardware}")
    _time_axis(axes, experiment)
    _mark_passes(axes, experiment.passes, experiment.start)
    _footnote(figure, endpoint, experiment, (), _COLD_NOTE)
    return figure


def _metrics_chart(
    endpoint: WatchedEndpoint, experiment: Experiment, title: str
) -> tuple[Figure, Axes]:
    figure = Figure()
    axes = figure.subplots()
    _plot_metric(axes, experiment, LOADED_MODELS, BLUE)
    values = experiment.metrics[LOADED_MODELS].values
    axes.set_ylim(0, max(10.0, 1.25 * max(values, default=0)))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("LoadedModelCount (per instance)", color=BLUE)
    axes.set_title(f"{title}: {endpoint.name}, {endpoint.hardware}")
    _time_axis(axes, experiment)
    _mark_passes(axes, experiment.passes, experiment.start)
    _annotate_plateaus(axes, experiment, LOADED_MODELS, _Look(BLUE, "{:.0f}", 11))
    return figure, axes


def _plot_metric(axes: Axes, experiment: Experiment, metric: Metric, color: str) -> None:
    series = experiment.metrics[metric]
    seconds: list[float] = []
    values: list[float] = []
    for timestamp, value in zip(series.timestamps, series.values, strict=True):
        if seconds and timestamp - experiment.start - seconds[-1] > GAP * series.period:
            # Nobody measured in between: no line goes there.
            seconds.append(timestamp - experiment.start)
            values.append(math.nan)
        seconds.append(timestamp - experiment.start)
        values.append(value)
    axes.plot(seconds, values, color=color)


def _right_axes(axes: Axes, label: str, color: str, top: float) -> Axes:
    right = axes.twinx()
    right.set_ylim(0, top * 1.05)
    right.set_ylabel(label, color=color)
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    return right


def _scatter(
    axes: Axes,
    rows: Sequence[Invocation],
    experiment: Experiment,
    color: str,
    label: str,
    latencies: Latencies | None,
) -> None:
    axes.scatter(
        [row.started - experiment.start for row in rows],
        [row.latency * 1000 for row in rows],
        s=12,
        color=color,
        alpha=0.65,
        linewidths=0,
    )
    if not latencies:
        return
    axes.axhline(latencies.p50, color=color, linewidth=1, linestyle="--", marker="")
    axes.annotate(
        f"{len(rows)} {label}\np50 {_short(latencies.p50)} ms\np99 {_short(latencies.p99)} ms",
        (1.0, latencies.p50),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        va="bottom" if label == "cold" else "top",
        color=color,
    )


def _short(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 10 else f"{milliseconds:.1f}"


def _time_axis(axes: Axes, experiment: Experiment) -> None:
    minutes = experiment.end - experiment.start > 600
    unit = 60 if minutes else 1
    axes.set_xlim(0, experiment.end - experiment.start)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 1.5, 3, 6, 10] if minutes else None))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / unit:g}"))
    axes.set_xlabel(f"{'minutes' if minutes else 'seconds'} since the start")


def _mark_passes(axes: Axes, passes: Sequence[PassResult], origin: float) -> None:
    for number, one in enumerate(passes, 1):
        begin, end = one.start - origin, one.end - origin
        axes.axvspan(begin, end, color=GREY, alpha=0.07 if number % 2 else 0.16, linewidth=0)
        axes.annotate(
            f"pass {number}: {one.label}",
            ((begin + end) / 2, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=INK,
        )


def _annotate_plateaus(axes: Axes, experiment: Experiment, metric: Metric, look: "_Look") -> None:
    """Write its value beside every stretch on which the metric stood still."""
    for plateau in plateaus(experiment.metrics[metric]):
        axes.annotate(
            look.text.format(plateau.value),
            ((plateau.start + plateau.end) / 2 - experiment.start, plateau.value),
            xytext=(0, look.offset),
            textcoords="offset points",
            ha="center",
            va="center",
            fontweight="bold",
            color=look.color,
        )


def _footnote(
    figure: Figure,
    endpoint: WatchedEndpoint,
    experiment: Experiment,
    metrics: Sequence[Metric],
    *notes: str,
) -> None:
    """Say what the chart's numbers are, below it."""
    lines = list(notes)
    if metrics:
        lines.append(f"CloudWatch, period {experiment.period} s.")
    if not metrics and endpoint.simulated_metrics:
        lines.append("The instance is simulated: latencies are those of the machine beneath it.")
    if simulated := [m.name for m in metrics if m.name in endpoint.simulated_metrics]:
        lines.append(f"{' and '.join(simulated)}: simulated, as the endpoint's tag says.")
    if not experiment.metrics_complete:
        lines.append("CloudWatch did not yet have all of the data.")
    figure.supxlabel("\n".join(lines), fontsize=8, color=GREY, x=0.01, ha="left")
