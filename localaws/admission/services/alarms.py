"""What CloudWatch refuses of alarms."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.errors import AwsError

SECONDS_A_DAY = 86400
WEEK = 7 * SECONDS_A_DAY
_ALARM_WORDS = {
    "TreatMissingData": ("missing", "breaching", "notBreaching", "ignore"),
    "EvaluateLowSampleCountPercentile": ("evaluate", "ignore"),
}
_ACTION_SERVICES = frozenset(
    {"aiops", "automate", "autoscaling", "lambda", "sns", "ssm", "ssm-incidents", "swf"}
)
_BAND_OPERATORS = (
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_IDENTIFIER = re.compile(r"(?<![A-Za-z0-9_.])[a-z][A-Za-z0-9_]*", re.ASCII)
_FUNCTION = re.compile(r"(?<![A-Za-z0-9_.'\"])([A-Z][A-Z0-9_]*)\s*\(", re.ASCII)
_FUNCTIONS = frozenset(
    {"ABS", "ANOMALY_DETECTION_BAND", "AND", "AVG", "CEIL", "DATAPOINT_COUNT", "DATE", "DAY",
     "DB_PERF_INSIGHTS", "DIFF", "DIFF_TIME", "EPOCH", "FILL", "FIRST", "FLOOR", "HOUR", "IF",
     "INSIGHT_RULE_METRIC", "LAMBDA", "LAST", "LOG", "LOG10", "MAX", "METRICS", "METRIC_COUNT",
     "MIN", "MINUTE", "MONTH", "OR", "PERIOD", "RATE", "REMOVE_EMPTY", "RUNNING_SUM", "SEARCH",
     "SERVICE_QUOTA", "SLICE", "SORT", "STDDEV", "SUM", "TIME_SERIES", "YEAR"}
)  # fmt: skip
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"""
PERIODS = (1, 5, 10, 20, 30)
_EXTENDED_STATISTIC = re.compile(
    r"p(\d{1,2}(\.\d{1,10})?|100)|iqm|(tm|wm|tc|ts|pr)(\d{1,2}(\.\d+)?|\([^()]*\))",
    re.IGNORECASE | re.ASCII,
)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html"""


def is_statistic(name: str) -> bool:
    """Whether CloudWatch has a statistic of this name."""
    plain = ("Sum", "Average", "Minimum", "Maximum", "SampleCount")
    return name in plain or _EXTENDED_STATISTIC.fullmatch(name) is not None


def _put_metric_alarm(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html."""
    if "EvaluationCriteria" in parameters:
        return
    for needed in ("EvaluationPeriods", "ComparisonOperator"):
        if needed not in parameters:
            raise AwsError("ValidationError", f"The parameter {needed} is required.")
    for name, allowed in _ALARM_WORDS.items():
        if parameters.get(name, allowed[0]) not in allowed:
            text = f"The value {parameters[name]!r} for parameter {name} is none of"
            raise AwsError("ValidationError", f"{text} {', '.join(allowed)}.")
    for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for action in parameters.get(name, ()):
            if action.count(":") < 4 or not action.startswith("arn:"):
                raise AwsError("ValidationError", f"Invalid arn syntax: {action}")
            if action.split(":")[2] not in _ACTION_SERVICES:
                raise AwsError("ValidationError", f"Invalid alarm action: {action}")
    if account.record("composite alarm", parameters["AlarmName"]) is not None:
        text = f"A composite alarm named {parameters['AlarmName']} exists already."
        raise AwsError("ValidationError", text)
    banded = parameters["ComparisonOperator"] in _BAND_OPERATORS
    if banded != ("ThresholdMetricId" in parameters):
        text = f"ThresholdMetricId goes with {', '.join(_BAND_OPERATORS)}, and with none else."
        raise AwsError("ValidationError", text)
    periods = parameters["EvaluationPeriods"]
    to_alarm = parameters.get("DatapointsToAlarm")
    if to_alarm is not None and to_alarm > periods:
        raise AwsError(
            "ValidationError",
            f"DatapointsToAlarm {to_alarm} must be less than or equal to EvaluationPeriods"
            f" {periods}",
        )
    if "Metrics" in parameters:
        together = parameters.keys() & {
            "MetricName", "Namespace", "Period", "Dimensions", "Statistic", "ExtendedStatistic",
        }  # fmt: skip
        if together:
            raise AwsError(
                "InvalidParameterCombination",
                f"Metrics must not be used together with {', '.join(sorted(together))}",
            )
        return
    statistics = parameters.keys() & {"Statistic", "ExtendedStatistic"}
    if len(statistics) != 1:
        found = "both" if statistics else "neither"
        raise AwsError(
            "InvalidParameterCombination",
            f"Exactly one of Statistic and ExtendedStatistic is needed; {found} is given",
        )
    extended = parameters.get("ExtendedStatistic")
    if extended is not None and not _EXTENDED_STATISTIC.fullmatch(extended):
        text = f"The value {extended!r} for parameter ExtendedStatistic is not supported."
        raise AwsError("InvalidParameterValue", text)
    for needed in ("MetricName", "Namespace", "Period"):
        if needed not in parameters:
            raise AwsError("ValidationError", f"The parameter {needed} is required.")
    _check_period(parameters["Period"], periods)
    if "Threshold" not in parameters and "ThresholdMetricId" not in parameters:
        raise AwsError("ValidationError", "The parameter Threshold is required.")


def _check_period(period: int, periods: int) -> None:
    if period not in (10, 20, 30) and period % 60:
        raise AwsError("ValidationError", f"Period {period} is not 10, 20, 30 or a multiple of 60")
    longest = SECONDS_A_DAY if period < 3600 else WEEK
    if period * periods > longest:
        raise AwsError(
            "ValidationError",
            f"Metrics cannot be checked across more than {'a day' if period < 3600 else 'a week'}"
            f" (EvaluationPeriods * Period must be <= {longest}).",
        )


def _returned(parameters: Parameters, account: Account) -> None:
    queries = parameters.get("Metrics")
    if queries is None:
        return
    check_queries(queries)
    known = {query["Id"] for query in queries}
    for query in queries:
        unknown = sorted({*_FUNCTION.findall(query.get("Expression", ""))} - _FUNCTIONS)
        if unknown:
            text = f"Invalid metrics list: the expression of {query['Id']} has unknown functions"
            raise invalid(f"{text} [{', '.join(unknown)}]", "ValidationError")
        named = _IDENTIFIER.findall(_QUOTED.sub(" ", query.get("Expression", "")))
        missing = sorted({*named} - known)
        if missing:
            text = f"Invalid metrics list: the expression of {query['Id']} refers to undefined ids"
            raise invalid(f"{text} [{', '.join(missing)}]", "ValidationError")
    returning = [query for query in queries if query.get("ReturnData", True)]
    if len(returning) != 1:
        raise invalid(
            f"Exactly one element of the metrics list should return data; {len(returning)} do",
            "ValidationError",
        )


def check_queries(queries: Sequence[Mapping[str, Any]]) -> None:
    """Raise ``AwsError`` for queries of metrics that are not formed as such."""
    for number, query in enumerate(queries, start=1):
        path = f"MetricDataQueries.member.{number}"
        if not re.fullmatch(r"[a-z][A-Za-z0-9_]*", query["Id"], re.ASCII):
            text = f"The value {query['Id']} for parameter {path}.Id is not matching the expected"
            raise invalid(f"{text} pattern ^[a-z][a-zA-Z0-9_]*$.", "ValidationError")
        if ("Expression" in query) == ("MetricStat" in query):
            text = f"{path} needs exactly one of Expression and MetricStat"
            raise invalid(text, "ValidationError")
        period = query.get("MetricStat", {}).get("Period", 60)
        if period not in PERIODS and period % 60:
            text = f"{path}.MetricStat.Period {period} is not 1, 5, 10, 20, 30 or a multiple of 60"
            raise invalid(text, "ValidationError")


def _describe(parameters: Parameters, account: Account) -> None:
    if parameters.get("AlarmNames") and parameters.get("AlarmNamePrefix"):
        text = "AlarmNames and AlarmNamePrefix cannot be used together."
        raise invalid(text, "InvalidParameterCombination")


def _set_state(parameters: Parameters, account: Account) -> None:
    try:
        json.loads(parameters.get("StateReasonData") or "{}")
    except (ValueError, RecursionError):
        raise invalid("StateReasonData is not valid JSON", "InvalidFormat") from None


RULES: Mapping[tuple[str, str], Rule] = {
    ("cloudwatch", "DescribeAlarms"): _describe,
    ("cloudwatch", "PutMetricAlarm"): in_turn(_returned, _put_metric_alarm),
    ("cloudwatch", "SetAlarmState"): _set_state,
}
