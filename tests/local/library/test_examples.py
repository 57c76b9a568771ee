"""The construct library's examples: deployed where localaws can host them, else refused by name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.testing import LocalAws
from localaws.testing.jobs import make_jobs
from tests.local.library.conftest import TENANTS, deploy, endpoint_of, invoke

HYPERPARAMETERS = {
    "max_depth": "5",
    "eta": "0.2",
    "objective": "reg:linear",
    "early_stopping_rounds": "5",
    "num_round": "25",
}


def test_one_container_serves_the_model_that_a_request_names(
    account: LocalAws, one_container: str
) -> None:
    body = invoke(
        account,
        one_container,
        TargetModel="NewYork_NY/NewYork_NY.tar.gz",
        ContentType="application/json",
        Body=json.dumps({"instances": [{"features": [0.0] * 10}]}),
    )
    assert len(json.loads(body)["predictions"]) == 1


def test_one_script_serves_many_scikit_learn_models(account: LocalAws, tmp_path: Path) -> None:
    deploy(account, "scikit_learn_models", tmp_path)
    endpoint = endpoint_of(account, "ScikitLearnModels")
    answers = [
        invoke(
            account,
            endpoint,
            TargetModel=f"{tenant}/{tenant}.tar.gz",
            ContentType="text/csv",
            Accept="text/csv",
            Body="1",
        )
        for tenant in TENANTS
    ]
    assert answers == [tenant.encode() for tenant in TENANTS]


def test_the_pipeline_is_in_service_watched_and_scaled(account: LocalAws, tmp_path: Path) -> None:
    deploy(account, "pipeline", tmp_path)
    endpoint = endpoint_of(account, "Pipeline")
    session = account.session()
    described = session.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "InService"
    routing = described["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert routing["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    cloudwatch = session.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=endpoint)
    assert len(alarms["MetricAlarms"]) == 6
    assert composite_state(cloudwatch, endpoint) == "OK"
    assert "ALARM" in states_while_one_rings(cloudwatch, endpoint)
    scaling = session.client("application-autoscaling")
    found = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    (action,) = (each for each in found if f"endpoint/{endpoint}/" in each["ResourceId"])
    assert action["Schedule"] == "cron(0 7 ? * MON-FRI *)"
    assert action["ScalableTargetAction"] == {"MinCapacity": 4}


def states_while_one_rings(cloudwatch: Any, endpoint: str) -> Iterator[str]:
    """Of the composite alarm; the alarm's own next evaluation takes back what was set."""
    for _ in range(20):
        cloudwatch.set_alarm_state(
            AlarmName=f"{endpoint}-Thrash", StateValue="ALARM", StateReason="a test"
        )
        yield composite_state(cloudwatch, endpoint)


def composite_state(cloudwatch: Any, endpoint: str) -> str:
    answer = cloudwatch.describe_alarms(
        AlarmNames=[f"{endpoint}-Composite"], AlarmTypes=["CompositeAlarm"]
    )
    (alarm,) = answer["CompositeAlarms"]
    return str(alarm["StateValue"])


def test_two_variants_share_the_requests(account: LocalAws, tmp_path: Path) -> None:
    deploy(account, "two_variants", tmp_path)
    described = (
        account.session()
        .client("sagemaker")
        .describe_endpoint(EndpointName=endpoint_of(account, "TwoVariants"))
    )
    weights = {v["VariantName"]: v["CurrentWeight"] for v in described["ProductionVariants"]}
    assert weights == {"Current": 9.0, "Candidate": 1.0}


def test_xgboost_models_are_trained_and_served_as_awss_notebook_does_it(
    account: LocalAws, tmp_path: Path
) -> None:
    """xgboost_multi_model_endpoint_home_value, with AWS's own image for the one that it builds."""
    pytest.importorskip("xgboost", reason="xgboost is an optional extra of localaws")
    jobs = make_jobs(account.session(), "xgboost-jobs")
    rows = "".join(f"{150 * feet},{feet}\n" for feet in range(1000, 4000, 10))
    channels = {name: jobs.put(f"{name}/a.csv", rows) for name in ("train", "validation")}
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    job = jobs.train(
        jobs.training_request("xgb-Austin-TX", image, channels, HyperParameters=HYPERPARAMETERS)
    )
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    metrics = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert 0 < metrics["validation:rmse"] < 20_000
    model = jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"])
    s3 = account.session().client("s3")
    s3.put_object(Bucket="my-models", Key="xgboost/Austin_TX.tar.gz", Body=model)
    deploy(account, "xgboost", tmp_path)
    body = invoke(
        account,
        endpoint_of(account, "XGBoost"),
        TargetModel="Austin_TX.tar.gz",
        ContentType="text/csv",
        Body="2000",
    )
    assert json.loads(body) == pytest.approx([300_000], rel=0.1)


@pytest.mark.parametrize(
    ("example", "named"),
    [
        ("triton_gpu", "sagemaker-tritonserver"),
        ("graviton_pytorch", "pytorch-inference-arm64"),
        ("direct_invocation", "Direct"),
    ],
)
def test_what_localaws_cannot_host_is_refused_by_its_name(
    account: LocalAws, tmp_path: Path, example: str, named: str
) -> None:
    told = deploy(account, example, tmp_path, check=False)
    assert named in told
    assert "not available here" in told or "cannot run the image" in told
