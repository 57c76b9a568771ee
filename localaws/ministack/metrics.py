"""CloudWatch's GetMetricData with metric math, in the place of MiniStack's."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.services import cloudwatch

from localaws.metric_math import ExpressionError, Series, answer

MOST_QUERIES = 500

Point = Mapping[str, Any]


def install() -> None:
    """Replace MiniStack's, for the two protocols that SDKs speak; the old query protocol stays."""
    without_math = cloudwatch._get_metric_data

    def get_metric_data(
        parameters: Mapping[str, Any],
        content: Mapping[str, Any],
        is_cbor: bool,
        is_json: bool = False,
    ) -> Any:
        if not (is_cbor or is_json):
            return without_math(parameters, content, is_cbor, is_json)
        try:
            results = metric_data(content)
        except ExpressionError as error:
            return cloudwatch._error(
                "ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor
            )
        if is_json:
            return cloudwatch._json_ok({"MetricDataResults": results})
        encoded = [cloudwatch._cbor_metric_data_result(result) for result in results]
        return cloudwatch._cbor_ok({"MetricDataResults": encoded})

    cloudwatch._get_metric_data = get_metric_data


def metric_data(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results of a GetMetricData request. Raises ``ExpressionError``."""
    queries = request.get("MetricDataQueries") or []
    if len(queries) > MOST_QUERIES:
        raise ExpressionError(f"At most {MOST_QUERIES} queries fit in one request")
    start = cloudwatch._parse_ts(request.get("StartTime")) or 0.0
    end = cloudwatch._parse_ts(request.get("EndTime")) or time.time()
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"

    def read(wanted: Mapping[str, Any]) -> Series:
        inside = [point for point in _points(wanted) if start <= point["Timestamp"] < end]
        return _series(inside, wanted["Stat"], int(wanted["Period"]))

    return [
        _result(query, found, newest_first)
        for query, found in answer(queries, read)
        if query.get("ReturnData", True)
    ]


def _points(wanted: Mapping[str, Any]) -> list[Point]:
    """The points of exactly this metric, of the unit that the query names if it names one."""
    metric = wanted["Metric"]
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    points = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions)) or []
    unit = wanted.get("Unit")
    return [point for point in points if unit is None or point["Unit"] == unit]


def _series(points: Iterable[Point], statistic: str, period: int) -> Series:
    """The statistic of each period, by the period's begin."""
    periods: dict[float, list[Point]] = defaultdict(list)
    for point in points:
        periods[point["Timestamp"] // period * period].append(point)
    values = {
        begin: cloudwatch._stat_value(cloudwatch._calc_stats(inside), statistic, inside)
        for begin, inside in periods.items()
    }
    return {begin: value for begin, value in sorted(values.items()) if value is not None}


def _result(query: Mapping[str, Any], found: Series, newest_first: bool) -> dict[str, Any]:
    times = sorted(found, reverse=newest_first)
    label = query.get("MetricStat", {}).get("Metric", {}).get("MetricName", query["Id"])
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or label,
        "Timestamps": [cloudwatch._ts_iso(at) for at in times],
        "Values": [found[at] for at in times],
        "StatusCode": "Complete",
    }
