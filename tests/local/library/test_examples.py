"""The construct library's examples: deployed where localaws can host them, else refused by name."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from localaws.testing import LocalAws
from tests.local.library.conftest import TENANTS, deploy, endpoint_of, invoke


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
    cloudwatch.set_alarm_state(
        AlarmName=f"{endpoint}-Thrash", StateValue="ALARM", StateReason="a test"
    )
    assert composite_state(cloudwatch, endpoint) == "ALARM"
    scaling = session.client("application-autoscaling")
    found = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    (action,) = (each for each in found if f"endpoint/{endpoint}/" in each["ResourceId"])
    assert action["Schedule"] == "cron(0 7 ? * MON-FRI *)"
    assert action["ScalableTargetAction"] == {"MinCapacity": 4}


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


def test_xgboost_models_are_served_in_the_form_of_the_real_container(
    account: LocalAws, tmp_path: Path
) -> None:
    xgboost = pytest.importorskip("xgboost", reason="xgboost is an optional extra of localaws")
    rows = xgboost.DMatrix([[1.0, 2.0], [3.0, 4.0]], label=[3.0, 7.0])
    booster = xgboost.train({"objective": "reg:squarederror"}, rows, num_boost_round=5)
    saved = tmp_path / "xgboost-model"
    booster.save_model(saved.with_suffix(".ubj"))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        tar.add(saved.with_suffix(".ubj"), "xgboost-model")
    s3 = account.session().client("s3")
    s3.put_object(Bucket="my-models", Key="xgboost/Austin_TX.tar.gz", Body=stream.getvalue())
    deploy(account, "xgboost", tmp_path)
    body = invoke(
        account,
        endpoint_of(account, "XGBoost"),
        TargetModel="Austin_TX.tar.gz",
        ContentType="text/csv",
        Body="1,2",
    )
    assert json.loads(body) == booster.predict(rows).tolist()[:1]


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
