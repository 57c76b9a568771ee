"""Logs Insights on localaws, through boto3."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

MESSAGES = ("Loaded a in 10 ms", "Loaded b in 30 ms", "Loaded a in 20 ms", "Unloaded a")


@pytest.fixture
def logs(localaws: LocalAws) -> "CloudWatchLogsClient":
    return localaws.session().client("logs")


@pytest.fixture
def group(logs: "CloudWatchLogsClient") -> Iterator[str]:
    """A log group with one stream that holds the messages, a second apart."""
    name = f"/test/{uuid4().hex[:8]}"
    now = int(time.time() * 1000)
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="stream")
    logs.put_log_events(
        logGroupName=name,
        logStreamName="stream",
        logEvents=[
            {"timestamp": now - 4000 + 1000 * number, "message": message}
            for number, message in enumerate(MESSAGES)
        ],
    )
    yield name
    logs.delete_log_group(logGroupName=name)


def results_of(logs: "CloudWatchLogsClient", query_id: str, status: str = "Complete") -> Any:
    """The rows of a query, which runs in the background, once it has ended."""
    deadline = time.monotonic() + 10
    while (answer := logs.get_query_results(queryId=query_id))["status"] == "Running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert answer["status"] == status
    return answer["results"]


def run(logs: "CloudWatchLogsClient", group: str, query: str) -> list[dict[str, str]]:
    """The rows of a query's result, without the pointers to log events."""
    now = int(time.time())
    started = logs.start_query(
        logGroupName=group, startTime=now - 3600, endTime=now + 3600, queryString=query
    )
    results = results_of(logs, started["queryId"])
    return [
        {cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in results
    ]


def test_parse_and_stats_answer_what_was_asked(logs: "CloudWatchLogsClient", group: str) -> None:
    rows = run(
        logs,
        group,
        'parse @message "Loaded * in * ms" as model, ms | filter ispresent(ms)'
        " | stats count(*) as loads, avg(ms) as mean by model | sort mean desc",
    )
    assert rows == [
        {"model": "b", "loads": "1", "mean": "30"},
        {"model": "a", "loads": "2", "mean": "15"},
    ]


def test_the_newest_events_come_first(logs: "CloudWatchLogsClient", group: str) -> None:
    rows = run(logs, group, "fields @message | limit 2")
    assert rows == [{"@message": MESSAGES[3]}, {"@message": MESSAGES[2]}]


def test_a_row_leads_back_to_its_log_event(logs: "CloudWatchLogsClient", group: str) -> None:
    now = int(time.time())
    started = logs.start_query(
        logGroupName=group, startTime=now - 60, endTime=now + 60, queryString="limit 1"
    )
    (row,) = results_of(logs, started["queryId"])
    pointer = next(cell["value"] for cell in row if cell["field"] == "@ptr")
    record = logs.get_log_record(logRecordPointer=pointer)["logRecord"]
    assert record["@message"] == MESSAGES[3]


def test_a_query_that_cannot_be_run_is_refused(logs: "CloudWatchLogsClient", group: str) -> None:
    with pytest.raises(ClientError) as refusal:
        run(logs, group, "pattern @message")
    assert refusal.value.response["Error"]["Code"] == "MalformedQueryException"
    assert "'pattern' is no command that runs here" in str(refusal.value)


def test_a_log_group_that_does_not_exist_is_named(logs: "CloudWatchLogsClient") -> None:
    with pytest.raises(ClientError, match="'/no/such/group' does not exist"):
        run(logs, "/no/such/group", "limit 1")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("filter @message like /(a+)+$/", "Complete"),
        ('parse @message "' + "*a" * 8 + 'c" as a,b,c,d,e,f,g,h', "Complete"),
        (r"filter @message like /(?!x)(a|aa)+$/", "Failed"),
    ],
)
def test_no_pattern_holds_up_other_callers(
    logs: "CloudWatchLogsClient", group: str, query: str, status: str
) -> None:
    now = int(time.time())
    event = {"timestamp": now * 1000, "message": "a" * 40 + "!!"}
    logs.put_log_events(logGroupName=group, logStreamName="stream", logEvents=[event])  # type: ignore[list-item]
    started = logs.start_query(
        logGroupName=group, startTime=now - 60, endTime=now + 60, queryString=query
    )
    began = time.monotonic()
    logs.describe_log_groups()
    assert time.monotonic() - began < 5
    results_of(logs, started["queryId"], status)
