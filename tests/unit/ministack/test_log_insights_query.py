"""CloudWatch Logs Insights: what each command does to log events."""

import pytest

from localaws.ministack.cloudwatch.log_insights.query import DEFAULT_FIELDS, parse_query
from localaws.ministack.cloudwatch.log_insights.rows import Row
from localaws.ministack.cloudwatch.log_insights.tokens import MalformedQueryError

EVENTS: list[Row] = [
    {"@timestamp": "2026-11-22 20:00:01.000", "@message": "Loaded NewYork in 12.5 ms"},
    {"@timestamp": "2026-11-22 20:00:02.000", "@message": "Loaded Chicago in 7.5 ms"},
    {"@timestamp": "2026-11-22 20:06:03.000", "@message": "Loaded NewYork in 2.5 ms"},
    {"@timestamp": "2026-11-22 20:06:04.000", "@message": "Could not load Boston: no such object"},
]
LOADS = 'filter @message like "Loaded" | parse @message "Loaded * in * ms" as model, ms'


def run(query: str) -> list[Row]:
    return parse_query(query).run(list(EVENTS))


def messages(query: str) -> list[object]:
    return [row["@message"] for row in run(query)]


def test_filter_with_text_keeps_what_contains_it() -> None:
    assert len(run('filter @message like "Loaded"')) == 3


def test_filter_with_a_regular_expression_can_ignore_case() -> None:
    assert len(run("filter @message like /^loaded/i")) == 3
    assert run("filter @message like /^loaded/") == []


def test_filters_combine_with_and_or_not_and_parentheses() -> None:
    query = 'filter @message like "Loaded" and (@message like "York" or not @message like "in")'
    assert len(run(query)) == 2


def test_not_like_keeps_the_others() -> None:
    assert messages('filter @message not like "Loaded"') == [EVENTS[3]["@message"]]


def test_parse_with_wildcards_makes_fields() -> None:
    assert [(row["model"], row["ms"]) for row in run(LOADS)] == [
        ("NewYork", "12.5"),
        ("Chicago", "7.5"),
        ("NewYork", "2.5"),
    ]


def test_parse_with_named_groups_makes_fields() -> None:
    rows = run("parse @message /in (?<ms>[0-9.]+) ms/ | filter ispresent(ms)")
    assert [row["ms"] for row in rows] == ["12.5", "7.5", "2.5"]


def test_a_parsed_number_compares_as_a_number() -> None:
    assert [row["ms"] for row in run(f"{LOADS} | filter ms > 3")] == ["12.5", "7.5"]


def test_sort_orders_numbers_by_size() -> None:
    assert [row["ms"] for row in run(f"{LOADS} | sort ms desc")] == ["12.5", "7.5", "2.5"]
    assert [row["ms"] for row in run(f"{LOADS} | sort ms")] == ["2.5", "7.5", "12.5"]


def test_limit_keeps_the_first_rows() -> None:
    assert [row["ms"] for row in run(f"{LOADS} | sort ms | limit 1")] == ["2.5"]


def test_stats_are_made_for_each_group() -> None:
    rows = run(f"{LOADS} | stats count(*) as n, avg(ms) as mean, max(ms) as most by model")
    assert rows == [
        {"model": "NewYork", "n": 2.0, "mean": 7.5, "most": 12.5},
        {"model": "Chicago", "n": 1.0, "mean": 7.5, "most": 7.5},
    ]


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        ("count(ms)", 3.0),
        ("count_distinct(model)", 2.0),
        ("sum(ms)", 22.5),
        ("min(ms)", 2.5),
        ("pct(ms, 50)", 7.5),
    ],
)
def test_an_aggregate_without_a_name_is_named_by_its_text(aggregate: str, value: float) -> None:
    assert run(f"{LOADS} | stats {aggregate}") == [{aggregate: value}]


def test_bin_groups_by_time() -> None:
    rows = run("stats count(*) as n by bin(5m)")
    assert rows == [
        {"bin(5m)": "2026-11-22 20:00:00.000", "n": 2.0},
        {"bin(5m)": "2026-11-22 20:05:00.000", "n": 2.0},
    ]


def test_columns_are_those_of_fields_or_of_the_last_stats() -> None:
    assert parse_query("fields @timestamp, @message | limit 5").fields == (
        "@timestamp",
        "@message",
    )
    assert parse_query(f"{LOADS} | stats count(*) as n by model").fields == ("model", "n")
    assert parse_query("limit 5").fields == DEFAULT_FIELDS


def test_comments_are_left_out() -> None:
    assert len(run("# the newest\nfields @message\n| limit 2  # two of them")) == 2


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("dedup @message", "'dedup' is no command that runs here; these do: display, fields"),
        ("filter @message", "a comparison or like is expected where the end of the query stands"),
        ("fields @message limit 2", "'|' or the end is expected where 'limit' stands"),
        ("stats median(ms)", "'median' is none of count, count_distinct"),
        ('parse @message "* *" as one', "parse has 2 wildcards but 1 names: one"),
        ("filter @message like /(/", "is no regular expression"),
        ("fields {}", "unexpected '{}' in the query"),
        ("stats count(*) by bin(5w)", "bin has the unit 'w'; allowed are s, m, h, d"),
        ("limit many", "a number is expected where 'many' stands"),
    ],
)
def test_a_query_that_cannot_be_run_is_refused(query: str, message: str) -> None:
    with pytest.raises(MalformedQueryError) as refusal:
        parse_query(query)
    assert message in str(refusal.value)
