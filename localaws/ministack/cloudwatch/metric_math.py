"""Metric math of CloudWatch: arithmetic, comparisons and some functions over series.

``install`` puts GetMetricData with metric math in the place of MiniStack's.
"""

import ast
import math
import operator
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.services import cloudwatch

from localaws.ministack import patches
from localaws.ministack.cloudwatch.metric_store import values_of
from localaws.ministack.cloudwatch.metric_values import Period

Series = dict[float, float]
Value = float | Series | list[Series]

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Eq: lambda a, b: float(a == b),
    ast.NotEq: lambda a, b: float(a != b),
}
_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}


MOST_CHARACTERS = 2048
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html"""
FILE_NAME = "expression"
# What Python finds doubtful in an expression, such as 0or 1, is no affair of the server's log.
warnings.filterwarnings("ignore", category=SyntaxWarning, module=FILE_NAME)


class ExpressionError(ValueError):
    """An expression that is not valid, or uses what is not available here."""


def evaluate(expression: str, named: Callable[[str], Series]) -> Series:
    """The series of an expression; ``named`` gives the series of a query id.

    A point exists where all series of an operation have one. Raises ``ExpressionError``.
    """
    if len(expression) > MOST_CHARACTERS:
        text = f"has {len(expression)} characters; at most {MOST_CHARACTERS} are allowed"
        raise ExpressionError(f"Expression '{_shown(expression)}' {text}")
    try:
        tree = ast.parse(expression.strip(), FILE_NAME, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"Error in expression '{_shown(expression)}': {error}") from None
    try:
        value = _Evaluation(expression, named).value(tree.body)
    except (OverflowError, RecursionError):
        raise ExpressionError(
            f"Expression '{_shown(expression)}' nests too deeply or has too large a number"
        ) from None
    if not isinstance(value, dict):
        raise ExpressionError(f"Expression '{_shown(expression)}' does not return a time series")
    return {at: number for at, number in value.items() if math.isfinite(number)}


def _shown(expression: str) -> str:
    return expression if len(expression) <= 100 else f"{expression[:100]}..."


class _Evaluation:
    def __init__(self, expression: str, named: Callable[[str], Series]) -> None:
        self._expression = expression
        self._named = named

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _combined(operator.mul, -1.0, self._plain(operand))
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return _combined(_divided, self._plain(left), self._plain(right))
            case ast.BinOp(left=left, op=symbol, right=right) if type(symbol) in _OPERATORS:
                return _combined(_OPERATORS[type(symbol)], self._plain(left), self._plain(right))
            case ast.Compare(left=left, ops=[symbol], comparators=[right]) if (
                type(symbol) in _OPERATORS
            ):
                return _combined(_OPERATORS[type(symbol)], self._plain(left), self._plain(right))
            case ast.List(elts=elements):
                return [self._series(element) for element in elements]
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                return self._call(function, arguments)
        raise ExpressionError(f"Error in expression '{self._expression}'")

    def _call(self, function: str, arguments: list[ast.expr]) -> Value:
        match function.upper(), arguments:
            case ("SUM" | "AVG" | "MIN" | "MAX") as name, [argument]:
                return _aggregated(_AGGREGATES[name], self.value(argument))
            case "ABS", [argument]:
                return _combined(lambda a, _: abs(a), self._plain(argument), 0.0)
            case "FILL", [argument, ast.Constant(value=int() | float() as filler)]:
                return _Filled(self._series(argument), float(filler))
            case "IF", [condition, then, otherwise]:
                return _chosen(self._series(condition), self._plain(then), self._plain(otherwise))
        raise ExpressionError(f"Function {function} is not available in '{self._expression}'")

    def _plain(self, node: ast.expr) -> float | Series:
        value = self.value(node)
        if isinstance(value, list):
            raise ExpressionError(f"A list of series cannot stand there in '{self._expression}'")
        return value

    def _series(self, node: ast.expr) -> Series:
        value = self._plain(node)
        if not isinstance(value, dict):
            raise ExpressionError(f"A number cannot stand there in '{self._expression}'")
        return value


class _Filled(dict[float, float]):
    """A series that has a value at every time that it is asked for."""

    def __init__(self, series: Series, filler: float) -> None:
        super().__init__(series)
        self.filler = filler


def _divided(dividend: float, divisor: float) -> float | None:
    return dividend / divisor if divisor else None


def _combined(
    operation: Callable[[float, float], float | None], left: float | Series, right: float | Series
) -> float | Series:
    if not isinstance(left, dict) and not isinstance(right, dict):
        result = operation(left, right)
        return {} if result is None else result
    times = _times([side for side in (left, right) if isinstance(side, dict)])
    values = {at: operation(_at(left, at), _at(right, at)) for at in times}
    return {at: value for at, value in values.items() if value is not None}


def _chosen(condition: Series, then: float | Series, otherwise: float | Series) -> Series:
    times = _times([s for s in (condition, then, otherwise) if isinstance(s, dict)])
    return {at: _at(then if _at(condition, at) else otherwise, at) for at in times}


def _aggregated(aggregate: Callable[[Sequence[float]], float], value: Value) -> Value:
    """Over time for one series, which gives a number; over series for a list, at each time."""
    if isinstance(value, dict):
        return aggregate(list(value.values())) if value else {}
    if isinstance(value, list):
        times = sorted({at for one in value for at in one})
        return {at: aggregate([one[at] for one in value if at in one]) for at in times}
    return value


def _times(series: Sequence[Series]) -> list[float]:
    strict = [set(one) for one in series if not isinstance(one, _Filled)]
    known = set.intersection(*strict) if strict else {at for one in series for at in one}
    return sorted(known)


def _at(value: float | Series, at: float) -> float:
    if isinstance(value, _Filled):
        return value.get(at, value.filler)
    return value[at] if isinstance(value, dict) else value


def answer(
    queries: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Series]
) -> list[tuple[Mapping[str, Any], Series]]:
    """Each query with its series, in order; ``read`` gives the series of a MetricStat.

    Raises ``ExpressionError`` for an expression that is wrong or refers to itself.
    """
    by_id = {query["Id"]: query for query in queries}
    known: dict[str, Series] = {}
    pending: list[str] = []

    def named(name: str) -> Series:
        if name in known:
            return known[name]
        if name not in by_id:
            raise ExpressionError(f"Undefined id in an expression: {name}")
        if name in pending:
            raise ExpressionError(f"Circular reference of {name}")
        pending.append(name)
        query = by_id[name]
        expression = query.get("Expression")
        known[name] = evaluate(expression, named) if expression else read(query["MetricStat"])
        pending.pop()
        return known[name]

    return [(query, named(query["Id"])) for query in queries]


MOST_QUERIES = 500


def install() -> None:
    """Replace MiniStack's, for the two protocols that SDKs speak; the old query protocol stays."""
    patches.replace(cloudwatch, "_get_metric_data", with_math)


def with_math(without_math: Callable[..., Any]) -> Callable[..., Any]:
    """GetMetricData that evaluates expressions."""

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

    return get_metric_data


def metric_data(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results of a GetMetricData request. Raises ``ExpressionError``."""
    queries = request.get("MetricDataQueries") or []
    if len(queries) > MOST_QUERIES:
        raise ExpressionError(f"At most {MOST_QUERIES} queries fit in one request")
    start = cloudwatch._parse_ts(request.get("StartTime")) or 0.0
    end = cloudwatch._parse_ts(request.get("EndTime")) or time.time()
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"

    def read(wanted: Mapping[str, Any]) -> Series:
        return _series(wanted, math.floor(start), end)

    return [
        _result(query, found, newest_first)
        for query, found in answer(queries, read)
        if query.get("ReturnData", True)
    ]


def _series(wanted: Mapping[str, Any], start: float, end: float) -> Series:
    """The statistic of each period, by the period's begin, of the unit that is named if one is."""
    metric, length = wanted["Metric"], int(wanted["Period"])
    values = values_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions"))
    if values is None:
        return {}
    periods: dict[float, Period] = defaultdict(Period)
    for begin, period in values.between(start, end, wanted.get("Unit")):
        periods[float(begin // length * length)].merge(period)
    found = {begin: period.statistic(wanted["Stat"]) for begin, period in sorted(periods.items())}
    return {begin: value for begin, value in found.items() if value is not None}


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
