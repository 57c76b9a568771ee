"""Tearing down stacks that are as small as they can be."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from fleet.deployment import Deployment
from fleet.names import stack_name
from localaws import lifecycle
from tests.local.conftest import ROOT, LocalAws, start_localaws

STACKS = ("storage", "hosting", "access", "monitoring")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    directory = tmp_path_factory.mktemp("localaws") / "state"
    yield start_localaws(directory)
    lifecycle.stop(directory)


@pytest.fixture
def deployed(aws: LocalAws) -> LocalAws:
    """All four stacks, with objects of several versions in both buckets of the storage stack."""
    for stack in STACKS:
        buckets = ("Models", "AccessLogs") if stack == "storage" else ("Any",)
        deploy(aws, stack_name("dev", stack), *buckets)
    for bucket in bucket_names(aws):
        s3 = aws.session().client("s3")
        for key in ("models/a", "models/a", "raw/b"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        s3.delete_object(Bucket=bucket, Key="raw/b")
    aws.session().client("ssm").put_parameter(
        Name=parameter(), Value="s3://url", Type="String", Overwrite=True
    )
    return aws


def deploy(aws: LocalAws, stack: str, *buckets: str, protected: bool = False) -> None:
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
    }
    template = {
        "Resources": dict.fromkeys(buckets, bucket),
        "Outputs": {"BucketName": {"Value": {"Ref": buckets[0]}}},
    }
    client = aws.session().client("cloudformation")
    if stack not in stack_names(aws):
        client.create_stack(
            StackName=stack,
            TemplateBody=json.dumps(template),
            EnableTerminationProtection=protected,
        )
        client.get_waiter("stack_create_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )


def bucket_names(aws: LocalAws) -> list[str]:
    resources = (
        aws.session()
        .client("cloudformation")
        .describe_stack_resources(StackName=stack_name("dev", "storage"))
    )
    return [resource["PhysicalResourceId"] for resource in resources["StackResources"]]


def stack_names(aws: LocalAws) -> set[str]:
    stacks = aws.session().client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"}


def parameter() -> str:
    return Deployment("dev", "us-east-1").preprocessor_parameter


def teardown(aws: LocalAws, *options: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "scripts.teardown", *options],
        cwd=ROOT,
        env=aws.environment,
        input=answer,
        capture_output=True,
        text=True,
    )


def test_everything_is_removed_and_a_second_run_is_harmless(deployed: LocalAws) -> None:
    first = teardown(deployed, "--yes")
    assert first.returncode == 0, first.stderr
    assert stack_names(deployed) == set()
    assert deployed.session().client("s3").list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="ParameterNotFound"):
        deployed.session().client("ssm").get_parameter(Name=parameter())
    second = teardown(deployed, "--yes")
    assert second.returncode == 0, second.stderr
    assert second.stdout == "nothing is deployed in stage dev\n"


def test_users_of_a_stack_are_removed_before_it(deployed: LocalAws) -> None:
    lines = teardown(deployed, "--yes").stdout.splitlines()
    order = [line.split("delete housing-dev-")[1].split()[0] for line in lines]
    assert order == ["monitoring", "access", "hosting", "storage"]


def test_data_can_be_kept(deployed: LocalAws) -> None:
    done = teardown(deployed, "--yes", "--keep-data")
    assert done.returncode == 0, done.stderr
    assert stack_names(deployed) == {"housing-dev-storage"}
    [models, *_] = bucket_names(deployed)
    keys = deployed.session().client("s3").list_objects_v2(Bucket=models)["Contents"]
    assert [item["Key"] for item in keys] == ["models/a"]
    assert deployed.session().client("ssm").get_parameter(Name=parameter())


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_nothing_is_removed_without_a_yes(deployed: LocalAws, answer: str) -> None:
    before = stack_names(deployed)
    refused = teardown(deployed, answer=answer)
    assert refused.returncode == 1
    assert "Remove the endpoint, all data and all models of stage dev" in refused.stdout
    assert refused.stderr == "nothing removed\n"
    assert stack_names(deployed) == before


def test_a_yes_on_the_terminal_removes(deployed: LocalAws) -> None:
    assert teardown(deployed, answer="y\n").returncode == 0
    assert stack_names(deployed) == set()


def test_a_protected_stack_keeps_all_stacks(aws: LocalAws) -> None:
    deploy(aws, "housing-prod-hosting", "Any")
    deploy(aws, "housing-prod-storage", "Any", protected=True)
    refused = teardown(aws, "--yes", "--stage", "prod")
    assert refused.returncode == 1
    assert "termination protection is on: housing-prod-storage" in refused.stderr
    assert {"housing-prod-hosting", "housing-prod-storage"} <= stack_names(aws)
