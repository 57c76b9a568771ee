"""Tearing down stacks that are as small as they can be."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fleet.deployment import Deployment
from fleet.names import ALL_STACKS, stack_name
from localaws import lifecycle
from localaws.testing import LocalAws
from tests.local.commands import housing
from tests.local.servers import start_localaws


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    directory = tmp_path_factory.mktemp("localaws") / "state"
    yield start_localaws(directory)
    lifecycle.stop(directory)


@pytest.fixture
def deployed(aws: LocalAws) -> LocalAws:
    """All stacks, with objects of several versions in both buckets of the storage stack."""
    for stack in ALL_STACKS:
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


def resources_of(aws: LocalAws, name: str) -> list[dict[str, Any]]:
    client: Any = aws.session().client("cloudformation")
    resources: list[dict[str, Any]] = client.describe_stack_resources(StackName=name)[
        "StackResources"
    ]
    return resources


def bucket_names(aws: LocalAws, part: str = "storage") -> list[str]:
    resources = resources_of(aws, stack_name("dev", part))
    return [resource["PhysicalResourceId"] for resource in resources]


def stack_names(aws: LocalAws) -> set[str]:
    stacks = aws.session().client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"}


def parameter() -> str:
    return Deployment("dev", "us-east-1").preprocessor_parameter


def teardown(aws: LocalAws, *options: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
    return housing(aws, "teardown", *options, answer=answer)


def test_everything_is_removed_and_a_second_run_is_harmless(deployed: LocalAws) -> None:
    first = teardown(deployed, "--yes")
    assert first.returncode == 0, first.stderr
    assert stack_names(deployed) == set()
    assert deployed.session().client("s3").list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="ParameterNotFound"):
        deployed.session().client("ssm").get_parameter(Name=parameter())
    second = teardown(deployed, "--yes")
    assert second.returncode == 0, second.stderr
    assert "nothing is deployed in stage dev\n" in second.stdout


def test_what_costs_most_is_removed_first_and_the_data_last(deployed: LocalAws) -> None:
    lines = teardown(deployed, "--yes").stdout.splitlines()
    deleted = [
        line.split("delete housing-dev-")[1].split()[0] for line in lines if "delete h" in line
    ]
    assert deleted == ["retraining", "hosting", "monitoring", "access", "delivery", "storage"]


def test_buckets_of_every_stack_are_emptied(deployed: LocalAws) -> None:
    [records] = bucket_names(deployed, "access")
    deployed.session().client("s3").put_object(Bucket=records, Key="AWSLogs/x.json.gz", Body=b"1")
    done = teardown(deployed, "--yes")
    assert done.returncode == 0, done.stderr
    assert stack_names(deployed) == set()


def test_a_failure_is_told_and_the_rest_removed(deployed: LocalAws) -> None:
    [bucket] = bucket_names(deployed, "monitoring")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3 = deployed.session().client("s3")
    s3.put_object(Bucket=bucket, Key="kept", Body=b"1")
    document = {"Version": "2012-10-17", "Statement": [deny]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    failed = teardown(deployed, "--yes")
    assert failed.returncode == 1
    assert "  - delete housing-dev-monitoring: An error" in failed.stderr
    assert "  - housing-dev-storage was kept: " in failed.stderr
    assert stack_names(deployed) == {"housing-dev-monitoring", "housing-dev-storage"}
    s3.delete_bucket_policy(Bucket=bucket)
    assert teardown(deployed, "--yes").returncode == 0
    assert stack_names(deployed) == set()


def test_what_a_stack_retains_is_removed_too(aws: LocalAws) -> None:
    session = aws.session()
    resources: dict[str, dict[str, Any]] = {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "retained"}},
    }
    template = {
        "Resources": {
            name: {**resource, "DeletionPolicy": "RetainExceptOnCreate"}
            for name, resource in resources.items()
        }
    }
    client = session.client("cloudformation")
    name = stack_name("prod", "storage")
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources_of(aws, name)}
    session.client("s3").put_object(Bucket=ids["Bucket"], Key="models/a", Body=b"1")
    done = teardown(aws, "--yes", "--stage", "prod")
    assert done.returncode == 0, done.stderr
    assert ids["Bucket"] not in {b["Name"] for b in session.client("s3").list_buckets()["Buckets"]}
    key = session.client("kms").describe_key(KeyId=ids["Key"])["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"
    groups = session.client("logs").describe_log_groups(logGroupNamePrefix="retained")
    assert groups["logGroups"] == []


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
