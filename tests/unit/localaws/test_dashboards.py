import json
from typing import Any

import pytest

from localaws.page.dashboards import Chart, charts


def chart(*metrics: list[Any], **properties: Any) -> Chart:
    body = {"widgets": [{"type": "metric", "properties": {"metrics": metrics, **properties}}]}
    (drawn,) = charts(json.dumps(body), period=10)
    return drawn


def asked(drawn: Chart) -> list[tuple[str, dict[str, str], str]]:
    found = []
    for line in drawn.lines:
        stat = line.query["MetricStat"]
        dimensions = {d["Name"]: d["Value"] for d in stat["Metric"]["Dimensions"]}
        found.append((stat["Metric"]["MetricName"], dimensions, stat["Stat"]))
    return found


def test_points_stand_for_the_words_of_the_row_above() -> None:
    drawn = chart(
        ["AWS/SageMaker", "Invocations", "EndpointName", "a"],
        [".", "ModelLatency", ".", "b", {"stat": "p99"}],
        ["...", "c"],
    )
    assert asked(drawn) == [
        ("Invocations", {"EndpointName": "a"}, "Average"),
        ("ModelLatency", {"EndpointName": "b"}, "p99"),
        ("ModelLatency", {"EndpointName": "c"}, "Average"),
    ]


def test_a_line_is_called_by_its_label_or_its_metric_and_statistic() -> None:
    drawn = chart(
        ["N", "Latency", {"label": "slow"}], ["N", "Latency"], ["N", "Latency", {"stat": "p99"}]
    )
    assert [line.label for line in drawn.lines] == ["slow", "Latency", "Latency p99"]


def test_an_expression_is_asked_for_as_it_stands() -> None:
    (line,) = chart([{"expression": "SUM(METRICS())", "id": "e1"}]).lines
    assert line.query == {"Id": "e1", "Expression": "SUM(METRICS())", "Period": 10}


def test_the_top_of_an_axis_is_kept() -> None:
    assert chart(["N", "M"], yAxis={"left": {"max": 100}}).top == 100


@pytest.mark.parametrize("body", ["{}", '{"widgets": [{"type": "text", "properties": {}}]}'])
def test_what_draws_no_metric_is_left_out(body: str) -> None:
    assert charts(body, 10) == []
