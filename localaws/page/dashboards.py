"""The metrics of a CloudWatch dashboard's widgets, as requests of GetMetricData.

The structure of a dashboard's body:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SAME, SAME_BEGINNING = ".", "..."
MAXIMUM_WIDGETS = 50


@dataclass(frozen=True)
class Line:
    """One line of a chart: what GetMetricData is asked, how the line is called, and its axis."""

    query: Mapping[str, Any]
    label: str
    on_right: bool = False


@dataclass(frozen=True)
class Chart:
    """A widget that draws metrics; ``top`` is the fixed top of its axis, if any.

    ``left`` and ``right`` are what the axes are called.
    """

    title: str
    lines: tuple[Line, ...]
    top: float | None
    left: str = ""
    right: str = ""


def charts(body: str, period: int) -> list[Chart]:
    """The charts of a dashboard's body, each metric in periods of so many seconds.

    A widget that is no chart of metrics is left out.
    """
    widgets = json.loads(body).get("widgets", [])[:MAXIMUM_WIDGETS]
    found = (widget.get("properties", {}) for widget in widgets if widget.get("type") == "metric")
    return [_chart(properties, period) for properties in found if properties.get("metrics")]


def _chart(properties: Mapping[str, Any], period: int) -> Chart:
    statistic = properties.get("stat", "Average")
    lines = tuple(_lines(properties["metrics"], statistic, period))
    left, right = (properties.get("yAxis", {}).get(side, {}) for side in ("left", "right"))
    names = (left.get("label", ""), right.get("label", ""))
    return Chart(properties.get("title", ""), lines, left.get("max"), *names)


def _lines(rows: Sequence[Sequence[Any]], statistic: str, period: int) -> Iterator[Line]:
    above: list[str] = []
    query: Mapping[str, Any]
    for number, row in enumerate(rows):
        options: Mapping[str, Any] = next((word for word in row if isinstance(word, dict)), {})
        words = [word for word in row if isinstance(word, str)]
        identity = options.get("id", f"line{number}")
        on_right = options.get("yAxis") == "right"
        if "expression" in options:
            query = {"Id": identity, "Expression": options["expression"], "Period": period}
            yield Line(query, options.get("label", options["expression"]), on_right)
            continue
        above = _spelled(words, above)
        namespace, name, *dimensions = above
        metric = {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [
                {"Name": key, "Value": value}
                for key, value in zip(dimensions[::2], dimensions[1::2], strict=True)
            ],
        }
        stat = {"Metric": metric, "Period": period, "Stat": options.get("stat", statistic)}
        query = {"Id": identity, "MetricStat": stat, "ReturnData": options.get("visible", True)}
        own = options.get("stat", statistic)
        whose = dict(zip(dimensions[::2], dimensions[1::2], strict=True)).get("ContainerName", "")
        called = f"{whose} {name}".lstrip() + ("" if own == statistic else f" {own}")
        label = options.get("label", called)
        yield Line(query, label, on_right)


def _spelled(words: Sequence[str], above: Sequence[str]) -> list[str]:
    """The words of a row with its abbreviations written out: those of the row above."""
    if words and words[0] == SAME_BEGINNING:
        rest = list(words[1:])
        words = [*above[: len(above) - len(rest)], *rest]
    return [above[i] if word == SAME else word for i, word in enumerate(words)]
