"""The queries of docs/logs-insights.md, on the logs of an endpoint on which much happened."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fleet.schema import HOUSES
from localaws.testing.hosting import wait_until
from tests.local.cache_experiment.conftest import CITY, DefaultExperiment, Watched
from tests.local.conftest import ROOT

HOUSE = HOUSES.sample_row.encode()
MODEL = f"{CITY}/{CITY}.tar.gz"
BROKEN_MODEL = "Broken_XX/Broken_XX.tar.gz"


def documented_queries() -> list[Any]:
    """The queries of docs/logs-insights.md, each with its heading."""
    text = (ROOT / "docs" / "logs-insights.md").read_text()
    sections = (section.partition("\n") for section in text.split("\n## "))
    return [
        pytest.param(query, id=heading)
        for heading, _, body in sections
        for query in re.findall(r"```insights\n(.*?)```", body, re.DOTALL)
    ]


@pytest.fixture(scope="module")
def eventful(watched: Watched, default: DefaultExperiment) -> None:
    """After the default experiment: a model that comes back, one that cannot load, a refusal."""
    s3 = watched.aws.session().client("s3")
    bucket = watched.deployment.require("bucket_name")
    s3.put_object(Bucket=bucket, Key=f"models/{BROKEN_MODEL}", Body=b"no archive", IfNoneMatch="*")
    watched.invoke(default.rows[0]["target_model"], HOUSE)
    for target_model, body in ((BROKEN_MODEL, HOUSE), (MODEL, b"no house")):
        with pytest.raises(ClientError):
            watched.invoke(target_model, body)
    s3.delete_object(Bucket=bucket, Key=f"models/{BROKEN_MODEL}")
    time.sleep(2)  # log lines are published once a second


@pytest.mark.parametrize("query", documented_queries())
def test_a_documented_query_finds_something_in_the_logs(
    watched: Watched, eventful: None, query: str
) -> None:
    logs = watched.aws.session().client("logs")
    started = logs.start_query(
        logGroupName=f"/aws/sagemaker/Endpoints/{watched.endpoint_name}",
        startTime=int((datetime.now(UTC) - timedelta(hours=1)).timestamp()),
        endTime=int((datetime.now(UTC) + timedelta(hours=1)).timestamp()),
        queryString=query,
    )

    def is_done() -> bool:
        answer = logs.get_query_results(queryId=started["queryId"])
        return answer["status"] not in ("Scheduled", "Running")

    wait_until(is_done, "the query")
    answer = logs.get_query_results(queryId=started["queryId"])
    assert answer["status"] == "Complete"
    assert answer["results"]
