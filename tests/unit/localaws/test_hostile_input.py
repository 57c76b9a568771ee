"""Whatever bytes a client sends, a parser answers its documented error and no other.

A million inputs run in ``make soak`` (``benchmarks.soak.hostile_input``).
"""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.soak.hostile_input import Parser, mutated, parsers
from localaws.jobs.transform.data_processing import JsonPath, JsonPathError
from localaws.ministack.cloudwatch.log_insights.query import parse_query
from localaws.ministack.cloudwatch.log_insights.rows import Row
from localaws.ministack.cloudwatch.log_insights.tokens import MalformedQueryError
from localaws.ministack.cloudwatch.metric_math import ExpressionError, evaluate
from training.linear_learner.wire.requests import decode_request


@pytest.mark.parametrize("parser", parsers(), ids=lambda parser: parser.name)
def test_mutated_input_brings_about_no_foreign_exception(parser: Parser) -> None:
    @settings(max_examples=150, deadline=None)
    @given(st.integers(min_value=0, max_value=2**32))
    def holds(seed: int) -> None:
        data = mutated(random.Random(seed), parser.samples)
        error = parser.foreign(data)
        assert error is None, data

    holds()


def _no_series(name: str) -> dict[float, float]:
    raise ExpressionError(name)


@pytest.mark.parametrize(
    ("read", "text", "documented"),
    [
        (parse_query, "stats count(*) by bin(0s)", MalformedQueryError),
        (parse_query, "limit " + "9" * 400, MalformedQueryError),
        (parse_query, "stats pct(n, 101)", MalformedQueryError),
        (parse_query, "filter " + "(" * 5000 + "a = 1", MalformedQueryError),
        (lambda text: evaluate(text, _no_series), "9" * 400, ExpressionError),
        (lambda text: evaluate(text, _no_series), "-" * 500 + "1", ExpressionError),
        (JsonPath.parse, "$[0," + "1" * 5000 + "]", JsonPathError),
    ],
    ids=["bin of 0", "limit", "percentile", "nesting", "digits", "minus signs", "index"],
)
def test_sizes_have_limits(
    read: Callable[[str], object], text: str, documented: type[Exception]
) -> None:
    with pytest.raises(documented):
        read(text)


def test_a_group_that_may_be_absent_is_compared_as_absent() -> None:
    rows: list[Row] = [{"@message": "b"}, {"@message": "a7"}]
    query = parse_query("parse @message /[ab](?<digit>\\d)?/ | filter digit > 1")
    assert query.run(rows) == [{"@message": "a7", "digit": "7"}]


def test_labels_that_are_left_out_may_be_any_text() -> None:
    rows = decode_request(b"New_York,2,3\n", "text/csv; label_size=1")
    assert rows.tolist() == [[2.0, 3.0]]
