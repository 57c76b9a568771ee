"""What the deployed monitoring shows of the default experiment."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.local.cache_experiment.conftest import DefaultExperiment, Watched


def test_every_metric_of_the_deployed_dashboard_has_data(
    watched: Watched, default: DefaultExperiment
) -> None:
    cloudwatch = watched.aws.session().client("cloudwatch")
    name = watched.deployment.require("dashboard_name")
    body = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    queries = [query for widget in body["widgets"] for query in _queries(widget["properties"])]
    assert len(queries) > 15
    empty = []
    for query in queries:
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[query],
            StartTime=default.began - timedelta(minutes=1),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
        )
        if not answer["MetricDataResults"][0]["Values"]:
            empty.append(query["MetricStat"])
    assert empty == []


def _queries(properties: dict[str, Any]) -> Iterator[Any]:
    """The metrics of a graph widget as GetMetricData takes them.

    A line is a list: namespace, name, dimension names and values in turn, options. ``.`` repeats
    what stands in the same place of the line above, ``...`` all that is not given.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    previous: list[str] = []
    for number, line in enumerate(properties["metrics"]):
        options = line[-1] if isinstance(line[-1], dict) else {}
        words = [word for word in line if isinstance(word, str)]
        if words[0] == "...":
            words = previous[: len(previous) - len(words) + 1] + words[1:]
        words = [previous[i] if word == "." else word for i, word in enumerate(words)]
        previous = words
        yield {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": words[0],
                    "MetricName": words[1],
                    "Dimensions": [
                        {"Name": name, "Value": value}
                        for name, value in zip(words[2::2], words[3::2], strict=True)
                    ],
                },
                "Period": options.get("period", properties.get("period", 300)),
                "Stat": options.get("stat", properties.get("stat", "Average")),
            },
        }


def test_the_thrash_alarm_goes_off_in_the_third_pass_and_ends(
    watched: Watched, default: DefaultExperiment
) -> None:
    cloudwatch = watched.aws.session().client("cloudwatch")
    name = f"{watched.endpoint_name}-Thrash"
    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=[name])
    states = _states_after(watched, name, default.began)
    third_pass = datetime.fromisoformat(default.rows[200]["started"])
    assert [state for state, _ in states] == ["ALARM", "OK"]
    assert states[0][1] >= third_pass.replace(microsecond=0)


def _states_after(watched: Watched, alarm: str, moment: datetime) -> list[tuple[str, datetime]]:
    """What an alarm changed to, oldest first, once it is OK again."""
    cloudwatch = watched.aws.session().client("cloudwatch")
    deadline = datetime.now(UTC) + timedelta(seconds=90)
    while datetime.now(UTC) < deadline:
        items = cloudwatch.describe_alarm_history(
            AlarmName=alarm, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
        )["AlarmHistoryItems"]
        states = [
            (json.loads(item["HistoryData"])["newState"]["stateValue"], item["Timestamp"])
            for item in items
            if item["Timestamp"] >= moment
        ]
        if len(states) > 1 and states[-1][0] == "OK":
            break
        time.sleep(0.5)
    return states
