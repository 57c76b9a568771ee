"""The deployed dashboard as CloudWatch has it: its widgets, with what GetMetricData answers."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import matplotlib
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from localaws.page.dashboards import Chart, Line, charts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = ("#1f5fa8", "#d1495b", "#3a8f5c", "#8a6fb0", "#c98a1b")
FORMAT: Any = DateFormatter("%H:%M:%S")  # type: ignore[no-untyped-call]
COLUMNS = 2
"""Of widgets, as the dashboard has them."""


def draw(session: boto3.Session, name: str, minutes: float, period: int, file: Path) -> None:
    """Draw the last minutes, each metric in periods of so many seconds."""
    cloudwatch: Any = session.client("cloudwatch")
    widgets = charts(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"], period)
    end = datetime.now(UTC)
    answers = []
    for widget in widgets:
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[line.query for line in widget.lines],
            StartTime=end - timedelta(minutes=minutes),
            EndTime=end,
            ScanBy="TimestampAscending",
        )
        answers.append({result["Id"]: result for result in answer["MetricDataResults"]})
    times = [time for each in answers for result in each.values() for time in result["Timestamps"]]
    rows = -(-len(widgets) // COLUMNS)
    # Text that can be selected, in whatever font the reader has.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 7}):
        layout = ConstrainedLayoutEngine(hspace=0.12, rect=(0, 0.02, 1, 0.98))
        figure = Figure(figsize=(11, 2.2 * rows), layout=layout)
        figure.suptitle(f"Dashboard {name}, in periods of {period} s", fontsize=9)
        for number, (widget, results) in enumerate(zip(widgets, answers, strict=True), start=1):
            axes = figure.add_subplot(rows, COLUMNS, number)
            axes.set_xlim(min(times), max(times))
            _draw_widget(axes, widget, results, timedelta(seconds=period))
        figure.savefig(file, metadata={"Date": None})


def _draw_widget(axes: "Axes", widget: Chart, results: dict[str, Any], period: timedelta) -> None:
    axes.set_title(widget.title, fontsize=8, loc="left")
    right = axes.twinx() if any(line.on_right for line in widget.lines) else None
    for line, color in zip(widget.lines, COLORS, strict=False):
        result = results.get(line.query["Id"])
        if result is not None:
            target = right if right is not None and line.on_right else axes
            _draw_line(target, line, result, period, color)
    # Sums of the dashboard's own period, a minute, are here those of another.
    per = f"in {period.seconds} s"
    axes.set_ylabel(widget.left.replace("a minute", per))
    axes.xaxis.set_major_formatter(FORMAT)
    if right is not None:
        right.set_ylabel(widget.right.replace("a minute", per))
    for each in filter(None, (axes, right)):
        each.set_ylim(bottom=0)
        each.spines[["top"]].set_visible(False)
        each.tick_params(labelsize=6)
    handles = [h for each in (axes, right) if each for h in each.get_legend_handles_labels()[0]]
    axes.legend(
        handles=handles,
        ncols=max(1, len(handles)),
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.12),
        columnspacing=0.8,
        handlelength=1.2,
        fontsize=5,
        frameon=False,
    ).set_in_layout(False)


def _draw_line(
    axes: "Axes", line: Line, result: dict[str, Any], period: timedelta, color: str
) -> None:
    """Gaps stay gaps: only what follows within a period is joined."""
    points = list(zip(result["Timestamps"], result["Values"], strict=True))
    times: list[Any] = [time for time, _ in points[:1]]
    values: list[float] = [value for _, value in points[:1]]
    for (before, _), (time, value) in pairwise(points):
        if time - before > period:
            times.append(before + period)
            values.append(float("nan"))
        times.append(time)
        values.append(value)
    axes.plot(times, values, color=color, linewidth=1, marker=".", markersize=2, label=line.label)
