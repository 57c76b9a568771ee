import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.ministack.cloudwatch.metric_math import ExpressionError, Series, answer, evaluate

HITS: Series = {0.0: 3.0, 60.0: 8.0}
CALLS: Series = {0.0: 4.0, 60.0: 8.0, 120.0: 0.0}
KNOWN = {"hits": HITS, "calls": CALLS}


def value_of(expression: str) -> Series:
    return evaluate(expression, KNOWN.__getitem__)


def test_two_series_combine_where_both_have_a_value() -> None:
    assert value_of("100 * hits / calls") == {0.0: 75.0, 60.0: 100.0}


def test_a_division_by_zero_leaves_a_gap() -> None:
    assert value_of("1 / calls") == {0.0: 0.25, 60.0: 0.125}


def test_fill_gives_a_series_values_where_it_has_none() -> None:
    assert value_of("calls - FILL(hits, 0)") == {0.0: 1.0, 60.0: 0.0, 120.0: 0.0}


def test_a_function_over_a_list_combines_the_series_at_each_time() -> None:
    assert value_of("SUM([hits, calls])") == {0.0: 7.0, 60.0: 16.0, 120.0: 0.0}


def test_a_function_over_one_series_is_a_number() -> None:
    assert value_of("hits / SUM(hits)") == {0.0: 3 / 11, 60.0: 8 / 11}


def test_if_chooses_at_each_time() -> None:
    assert value_of("IF(calls > 5, calls, 0)") == {0.0: 0.0, 60.0: 8.0, 120.0: 0.0}


@pytest.mark.parametrize(
    "expression",
    [
        "hits +",
        "hits in calls",
        "2 ** 9999999",
        "\0",
        "__import__('os')",
        "hits.real",
        "ANOMALY_DETECTION_BAND(hits)",
        "1 + 1",
        "'text'",
    ],
)
def test_what_is_not_metric_math_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        value_of(expression)


@given(st.text(max_size=30))
def test_no_text_does_anything_but_evaluate_or_be_refused(expression: str) -> None:
    with contextlib.suppress(ExpressionError):
        evaluate(expression, lambda name: HITS)


def queries(**expressions: str) -> list[dict[str, Any]]:
    return [{"Id": name, "Expression": text} for name, text in expressions.items()]


def test_an_expression_may_name_a_later_query() -> None:
    metric = {"Id": "m", "MetricStat": {"Stat": "Sum"}}
    found = answer([*queries(double="2 * m"), metric], lambda stat: HITS)
    assert [series for _, series in found] == [{0.0: 6.0, 60.0: 16.0}, HITS]


def test_expressions_that_name_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(ExpressionError, match="Circular"):
        answer(queries(a="b + 1", b="a + 1"), lambda stat: HITS)
