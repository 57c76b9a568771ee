"""What CloudWatch refuses of metrics and dashboards."""

import json
import math
import re
import time
from collections.abc import Iterable, Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.alarms import check_queries, is_statistic
from localaws.errors import AwsError

TWO_WEEKS = 14 * 86_400
MOST_VALUE = 2.0**360
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""
TWO_HOURS = 2 * 3600
_WIDGETS = frozenset({"metric", "text", "log", "alarm", "explorer", "custom", "heading"})


def _put_dashboard(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html."""
    problems = list(_dashboard_problems(parameters["DashboardBody"]))
    if problems:
        text = "The field DashboardBody must be a valid JSON object"
        raise AwsError("InvalidParameterInput", f"{text}: {'; '.join(problems)}")


def _dashboard_problems(body: str) -> Iterable[str]:
    try:
        dashboard = json.loads(body)
    except (ValueError, RecursionError) as error:
        yield str(error)
        return
    if not isinstance(dashboard, dict):
        yield "it is no object"
        return
    widgets = dashboard.get("widgets")
    if not isinstance(widgets, list):
        yield "/widgets: should be an array"
        return
    if len(widgets) > 500:
        yield f"/widgets: has {len(widgets)} widgets; at most 500 are allowed"
    for number, widget in enumerate(widgets):
        if not isinstance(widget, dict):
            yield f"/widgets/{number}: should be an object"
        elif widget.get("type") not in _WIDGETS:
            yield f"/widgets/{number}/type: {widget.get('type')!r} is no widget type"
        elif not isinstance(widget.get("properties", {}), dict):
            yield f"/widgets/{number}/properties: should be an object"


def _dashboard_name(parameters: Parameters, account: Account) -> None:
    name = parameters.get("DashboardName", "named-by-its-stack")
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,255}", name):
        text = f"The value {name} for field DashboardName contains invalid characters. It can only"
        raise invalid(f"{text} contain alphanumerics, dash (-) and underscore (_).",
                       "InvalidParameterInput")  # fmt: skip


def _put_metric_data(parameters: Parameters, account: Account) -> None:
    if parameters["Namespace"].startswith("AWS/"):
        text = "The value AWS/ for parameter Namespace is invalid."
        raise AwsError("InvalidParameterValue", text)
    data = parameters.get("MetricData", [])
    if not data and not parameters.get("EntityMetricData"):
        raise AwsError("MissingParameter", "The parameter MetricData is required.")
    if len(data) > 1000:
        raise AwsError(
            "LimitExceededException",
            f"The collection MetricData must not have a size greater than 1000, not {len(data)}.",
        )
    for number, datum in enumerate(data, start=1):
        _check_datum(f"MetricData.member.{number}", datum)


def _check_datum(path: str, datum: Parameters) -> None:
    given = datum.keys() & {"Value", "Values", "StatisticValues"}
    if len(given) != 1:
        raise AwsError(
            "InvalidParameterCombination",
            f"The parameters {path}.Value, {path}.Values and {path}.StatisticValues are mutually"
            f" exclusive, and one of them is needed.",
        )
    if "Values" in given and len(datum["Values"]) > 150:
        text = f"The collection {path}.Values must not have a size greater than 150."
        raise AwsError("InvalidParameterValue", text)
    counts = datum.get("Counts")
    if counts is not None and len(counts) != len(datum.get("Values", ())):
        text = f"{path}.Values and {path}.Counts must have the same size."
        raise AwsError("InvalidParameterValue", text)
    for count in counts or ():
        if not isinstance(count, int | float) or not 0 < count < MOST_VALUE:
            text = f"The value {count} for parameter {path}.Counts is invalid."
            raise AwsError("InvalidParameterValue", text)
    statistics = (datum.get("StatisticValues") or {}).values()
    for value in (datum.get("Value", 0), *datum.get("Values", ()), *statistics):
        if not isinstance(value, int | float) or not abs(value) <= MOST_VALUE:
            text = f"The value {value} for parameter {path} is invalid."
            raise AwsError("InvalidParameterValue", text)


def _time_of_data(parameters: Parameters, account: Account) -> None:
    now = time.time()
    for number, datum in enumerate(parameters.get("MetricData", ()), start=1):
        at = datum.get("Timestamp")
        path = f"MetricData.member.{number}"
        if isinstance(at, int | float) and not now - TWO_WEEKS <= at <= now + TWO_HOURS:
            raise invalid(
                f"The parameter {path}.Timestamp must specify a time no more than two weeks in the"
                " past, and no more than two hours in the future.",
                "InvalidParameterValue",
            )
        if datum.get("StorageResolution", 60) not in (1, 60):
            text = f"{path}.StorageResolution {datum['StorageResolution']} is not 1 or 60"
            raise invalid(text, "InvalidParameterValue")


def _dimensions(parameters: Parameters, account: Account) -> None:
    for number, datum in enumerate(parameters.get("MetricData", ()), start=1):
        path = f"MetricData.member.{number}"
        names = [dimension.get("Name", "") for dimension in datum.get("Dimensions", ())]
        if len(set(names)) < len(names):
            text = f"{path}.Dimensions must not name a dimension twice."
            raise AwsError("InvalidParameterValue", text)
        if any(name.startswith(":") for name in names):
            text = f"{path}.Dimensions: a name must not begin with a colon."
            raise AwsError("InvalidParameterValue", text)
        statistics = datum.get("StatisticValues") or {}
        if statistics.get("Minimum", 0) > statistics.get("Maximum", statistics.get("Minimum", 0)):
            text = f"{path}.StatisticValues: Minimum is greater than Maximum."
            raise AwsError("InvalidParameterValue", text)


MOST_DATA_POINTS = 1440


def _get_metric_statistics(parameters: Parameters, account: Account) -> None:
    if not parameters.get("Statistics") and not parameters.get("ExtendedStatistics"):
        raise AwsError(
            "InvalidParameterCombination",
            "At least one of Statistics, ExtendedStatistics is needed",
        )
    start, end = parameters["StartTime"], parameters["EndTime"]
    if start >= end:
        raise AwsError(
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        )
    period = parameters["Period"]
    if period not in (1, 5, 10, 20, 30) and period % 60:
        raise AwsError("InvalidParameterValue", f"Period {period} is not a multiple of 60")
    points = (end - start) / period
    if points > MOST_DATA_POINTS:
        raise AwsError(
            "InvalidParameterCombination",
            f"You have requested up to {math.ceil(points)} datapoints, which exceeds the limit of"
            f" {MOST_DATA_POINTS}. You may reduce the datapoints requested by increasing Period, or"
            " decreasing the time range.",
        )


def _get_metric_data(parameters: Parameters, account: Account) -> None:
    queries = parameters["MetricDataQueries"]
    if len(queries) > 500:
        text = f"MetricDataQueries has {len(queries)} entries; at most 500 are allowed"
        raise AwsError("ValidationError", text)
    names = [query["Id"] for query in queries]
    if len(set(names)) < len(names):
        raise AwsError("ValidationError", "The values for parameter id must be unique.")
    if parameters["StartTime"] >= parameters["EndTime"]:
        text = "The parameter StartTime must be less than the parameter EndTime."
        raise AwsError("ValidationError", text)


def _queries(parameters: Parameters, account: Account) -> None:
    check_queries(parameters["MetricDataQueries"])


def _statistics(parameters: Parameters, account: Account) -> None:
    for query in parameters.get("MetricDataQueries", ()):
        statistic = (query.get("MetricStat") or {}).get("Stat")
        if statistic is not None and not is_statistic(statistic):
            text = f"The value {statistic} for parameter Stat is not a statistic."
            raise AwsError("ValidationError", text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("cloudwatch", "GetMetricData"): in_turn(_queries, _get_metric_data, _statistics),
    ("cloudwatch", "GetMetricStatistics"): _get_metric_statistics,
    ("cloudwatch", "PutDashboard"): in_turn(_dashboard_name, _put_dashboard),
    ("cloudwatch", "PutMetricData"): in_turn(_time_of_data, _put_metric_data, _dimensions),
}
