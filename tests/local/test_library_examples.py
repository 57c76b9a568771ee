"""The construct library's examples: deployed where localaws can host them, else refused by name."""

import base64
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from localaws.testing import LocalAws
from tests.local.conftest import ROOT
from tests.unit.linear_learner.models import random_model
from training.linear_learner.artifact import write_artifact

EXAMPLES = ROOT / "constructs" / "examples"
PREPROCESSOR = """
def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    return body, accept
"""
OWN_MODEL = """
import pathlib

def model_fn(model_dir):
    return (pathlib.Path(model_dir) / "city.txt").read_text()

def transform_fn(model, body, content_type, accept):
    return model, accept
"""
LINEAR_LEARNER = write_artifact(random_model("regressor", 10))
TENANTS = ("NewYork_NY", "Chicago_IL")


def archive(**files: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


@pytest.fixture(scope="module")
def account(bootstrapped: LocalAws) -> LocalAws:
    """An account whose bucket my-models has what the examples serve."""
    s3 = bootstrapped.session().client("s3")
    s3.create_bucket(Bucket="my-models")
    script = {"code/preprocess.py": PREPROCESSOR}
    s3.put_object(Bucket="my-models", Key="preprocessor/1/model.tar.gz", Body=archive(**script))
    for tenant in TENANTS:
        key = f"{tenant}/{tenant}.tar.gz"
        for prefix in ("models/", "candidates/"):
            s3.put_object(
                Bucket="my-models",
                Key=f"{prefix}{key}",
                Body=write_artifact(random_model("regressor", 10)),
            )
        own = archive(**{"city.txt": tenant})
        s3.put_object(Bucket="my-models", Key=f"scikit-learn/{key}", Body=own)
    source = archive(**{"inference.py": OWN_MODEL})
    s3.put_object(Bucket="my-models", Key="code/sourcedir.tar.gz", Body=source)
    return bootstrapped


def deploy(account: LocalAws, example: str, folder: Path, *, check: bool = True) -> str:
    app = f"{sys.executable} {EXAMPLES / example}.py"
    command = ("deploy", "--app", app, "--require-approval", "never")
    return account.cdk(*command, cwd=folder, check=check)


def invoke(account: LocalAws, endpoint: str, **members: Any) -> bytes:
    runtime = account.session().client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, **members)
    body: bytes = answer["Body"].read()
    return body


def endpoint_of(account: LocalAws, stack: str) -> str:
    cloudformation = account.session().client("cloudformation")
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    (arn,) = (
        resource["PhysicalResourceId"]
        for resource in found
        if resource["ResourceType"] == "AWS::SageMaker::Endpoint"
    )
    return str(arn.rpartition("/")[2])


@pytest.fixture(scope="module")
def one_container(account: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    deploy(account, "one_container", tmp_path_factory.mktemp("one"))
    return endpoint_of(account, "OneContainer")


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


class Broker:
    """The function of the example, asked as API Gateway asks it."""

    def __init__(self, account: LocalAws, name: str) -> None:
        self._lambda = account.session().client("lambda")
        self._name = name

    def ask(self, tenant: str | None, model: str | None = None, **event: Any) -> tuple[int, str]:
        claims = {} if tenant is None else {"custom:tenant": tenant}
        request = {
            "requestContext": {"authorizer": {"claims": claims}},
            "pathParameters": {"model": model} if model else None,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"instances": [{"features": [0.0] * 10}]}),
            **event,
        }
        answer = self._lambda.invoke(FunctionName=self._name, Payload=json.dumps(request))
        assert "FunctionError" not in answer, answer["Payload"].read()
        told = json.loads(answer["Payload"].read())
        body = told["body"]
        if told.get("isBase64Encoded"):
            body = base64.b64decode(body).decode()
        return told["statusCode"], body


@pytest.fixture(scope="module")
def broker(
    account: LocalAws, one_container: str, tmp_path_factory: pytest.TempPathFactory
) -> Broker:
    sagemaker = account.session().client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=one_container)["EndpointConfigName"]
    sagemaker.create_endpoint(EndpointName="houses", EndpointConfigName=config)
    deploy(account, "tenant_broker", tmp_path_factory.mktemp("broker"))
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="houses", WaiterConfig={"Delay": 1}
    )
    cloudformation = account.session().client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="TenantBroker")["Stacks"]
    (output,) = stack["Outputs"]
    return Broker(account, output["OutputValue"])


def test_the_tenant_of_the_token_reaches_its_own_models(broker: Broker) -> None:
    for model in ("NewYork_NY.tar.gz", None):
        status, body = broker.ask("NewYork_NY", model)
        assert (status, len(json.loads(body)["predictions"])) == (200, 1)


@pytest.mark.parametrize(
    ("tenant", "model", "status"),
    [
        (None, "NewYork_NY.tar.gz", 403),
        ("", "NewYork_NY.tar.gz", 403),
        ("*", "NewYork_NY.tar.gz", 403),
        ("NewYork_NY/..", "x.tar.gz", 403),
        ("${aws:PrincipalTag/Tenant}", "x.tar.gz", 403),
        ("NewYork_NY", "../Chicago_IL/Chicago_IL.tar.gz", 400),
        ("NewYork_NY", "..%2FChicago_IL%2FChicago_IL.tar.gz", 400),
        ("NewYork_NY", "*", 400),
        ("NewYork_NY", "absent.tar.gz", 400),
        ("Nobody", "Nobody.tar.gz", 400),
    ],
)
def test_what_is_not_a_tenants_own_model_is_refused(
    broker: Broker, tenant: str | None, model: str, status: int
) -> None:
    assert broker.ask(tenant, model)[0] == status


def test_no_header_and_no_body_of_the_caller_chooses_the_tenant(broker: Broker) -> None:
    headers = {
        "Content-Type": "application/json",
        "X-Amzn-SageMaker-Target-Model": "Chicago_IL/Chicago_IL.tar.gz",
        "custom:tenant": "Chicago_IL",
    }
    status, _ = broker.ask(None, "Chicago_IL.tar.gz", headers=headers)
    assert status == 403
    status, _ = broker.ask("NewYork_NY", "Chicago_IL.tar.gz", headers=headers)
    assert status == 400  # NewYork_NY/Chicago_IL.tar.gz, which is not there


def test_nobody_but_the_function_becomes_a_tenant(account: LocalAws, broker: Broker) -> None:
    iam = account.session().client("iam")
    roles = [role for role in iam.list_roles()["Roles"] if "TenantRole" in role["RoleName"]]
    (role,) = (role for role in roles if role["RoleName"].startswith("TenantBroker"))
    sts = account.session().client("sts")
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role(
            RoleArn=role["Arn"],
            RoleSessionName="me",
            Tags=[{"Key": "Tenant", "Value": "NewYork_NY"}],
        )
