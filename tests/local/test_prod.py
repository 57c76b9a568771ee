"""A stage like prod on localaws: protected, retaining, scaled, updated and rolled back."""

import gzip
import io
import json
import shlex
import tarfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fleet.names import preprocessor_url_parameter
from localaws import lifecycle
from localaws.mail import Mail, Mailbox
from tests.local.assembly import Assembly
from tests.local.commands import housing, succeed
from tests.local.conftest import ROOT, StartLocalAws

STAGE = "prod"
CITY = "Chicago_IL"
PATIENCE_SECONDS = 60
CHANGES = {"auditTrail": True, "retraining": {"windowSeconds": 2, "schedule": "rate(1 day)"}}
HOUSE = b"1988,3040.78,2,2.5,1.46,1,y,n"


@pytest.fixture(scope="module")
def prod(
    start_bootstrapped: StartLocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Assembly]:
    """Stage prod of cdk.json, with a record of who invokes it; its first stack is deployed."""
    directory = tmp_path_factory.mktemp("prod")
    aws = start_bootstrapped(directory / "state")
    try:
        out = directory / "cdk.out"
        prod = Assembly.synthesize(aws, out, STAGE, like=STAGE, **CHANGES)
        prod.deploy("storage")
        yield prod
    finally:
        lifecycle.stop(directory / "state")


@pytest.fixture(scope="module")
def served(prod: Assembly) -> Assembly:
    train = ("--stage", STAGE, "--city", CITY, "--houses", "200")
    succeed(prod.aws, "train", *train)
    prod.deploy("hosting", "access", "monitoring", "retraining")
    return prod


def invoke(prod: Assembly, body: bytes = HOUSE) -> bytes:
    runtime = prod.aws.session().client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName=f"housing-{STAGE}",
        TargetModel=f"{CITY}/{CITY}.tar.gz",
        ContentType="text/csv",
        Body=body,
    )
    content: bytes = answer["Body"].read()
    return content


def statuses(prod: Assembly) -> dict[str, Any]:
    client: Any = prod.aws.session().client("sagemaker")
    described: dict[str, Any] = client.describe_endpoint(EndpointName=f"housing-{STAGE}")
    return described


def test_a_failed_first_deployment_can_be_repeated(prod: Assembly) -> None:
    """Of hosting, before anything is trained: nothing that it made stays in the way."""
    failed = prod.deploy("hosting", check=False)
    assert "does not exist" in failed
    ssm = prod.aws.session().client("ssm")
    name = preprocessor_url_parameter(STAGE)
    ssm.put_parameter(Name=name, Value="s3://bucket/none.tar.gz", Type="String")
    failed = prod.deploy("hosting", check=False)
    assert "ROLLBACK_COMPLETE" in failed
    groups = (
        prod.aws.session()
        .client("logs")
        .describe_log_groups(logGroupNamePrefix="/aws/sagemaker/Endpoints/")
    )
    assert groups["logGroups"] == []
    protected = prod.deploy("hosting", check=False)
    assert "TerminationProtection is enabled" in protected
    told = prod.aws.run("housing", "unprotect", "hosting", "--stage", STAGE, cwd=ROOT)
    assert told == f"{prod.stack('hosting')}\n"
    ssm.delete_parameter(Name=name)


def test_an_account_without_instances_is_told_what_to_do_at_once(prod: Assembly) -> None:
    """By doctor and by train, neither of which waits; what they print mends it."""
    quota = "ml.m5.xlarge for training job usage"
    localaws = ("localaws", "quota", "--state-dir", str(prod.aws.state.directory))
    prod.aws.run(*localaws, quota, "0")
    train = ("train", "--stage", STAGE, "--city", CITY, "--houses", "200")
    trained = housing(prod.aws, *train)
    assert f"'{quota}' is 0 Instances" in trained.stderr
    assert "waiting for room" not in trained.stdout + trained.stderr
    found = doctor(prod)[f"quota of {quota}"]
    assert found["outcome"] == "failed"
    asked = prod.aws.run(*shlex.split(found["advice"]), cwd=ROOT, check=False)
    assert f"{quota}: 4, " in asked
    assert doctor(prod)[f"quota of {quota}"]["outcome"] == "passed"
    prod.aws.run(*localaws, quota, "default")


def doctor(prod: Assembly) -> dict[str, dict[str, Any]]:
    """What ``housing doctor`` finds, by check."""
    checks = json.loads(housing(prod.aws, "doctor", "--stage", STAGE, "--json").stdout)
    return {check["check"]: check for check in checks}


def test_it_serves_and_scales(served: Assembly) -> None:
    assert b"score" in invoke(served)
    scaling = served.aws.session().client("application-autoscaling")
    [target] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 8)
    [policy] = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 3000
    tags = scaling.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"]
    assert tags["stage"] == STAGE


def test_who_invoked_it_is_recorded_in_a_bucket(served: Assembly) -> None:
    invoke(served)
    session = served.aws.session()
    [trail] = session.client("cloudtrail").describe_trails()["trailList"]
    s3 = session.client("s3")
    keys: list[str] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not keys and time.monotonic() < deadline:
        time.sleep(0.2)
        listed = s3.list_objects_v2(Bucket=trail["S3BucketName"], Prefix="AWSLogs/")
        keys = [found["Key"] for found in listed.get("Contents", [])]
    body = s3.get_object(Bucket=trail["S3BucketName"], Key=keys[0])["Body"].read()
    record = json.loads(gzip.decompress(body))["Records"][0]
    assert record["eventName"] == "InvokeEndpoint"
    assert record["userIdentity"]["userName"] == "administrator"
    assert record["resources"][0]["ARN"].endswith(f":endpoint/housing-{STAGE}")


def test_the_smoke_test_passes_and_writes_a_report(served: Assembly, tmp_path: Path) -> None:
    options = ("--stage", STAGE, "--output", str(tmp_path), "--wait", "30")
    output = succeed(served.aws, "smoke", *options)
    assert "FAIL" not in output
    report = (tmp_path / f"smoke-{STAGE}.md").read_text()
    assert report.count("| passed |") >= 11


def test_the_doctor_finds_a_deployed_stage_well(served: Assembly) -> None:
    found = doctor(served)
    assert {name for name, check in found.items() if check["outcome"] == "failed"} == set()


def awaited(box: Mailbox, subject: str) -> Mail:
    """The mail of a subject, once it is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for mail in box.mails():
            if mail.subject == subject:
                return mail
        time.sleep(0.2)
    pytest.fail(f"no mail {subject}; there are {[mail.subject for mail in box.mails()]}")


def test_an_alarm_that_reaches_nobody_is_told(served: Assembly) -> None:
    told = housing(served.aws, "test-alarm", "--stage", STAGE).stderr
    assert "no alarm of housing-prod has a topic: give alarmEmails or alarmTopicArn" in told


def test_a_test_message_reaches_who_has_confirmed(served: Assembly, tmp_path: Path) -> None:
    """A change of the config, its deployment, the mail that asks, and the alarm's own."""
    address = "ops@example.com"
    changed = Assembly.synthesize(
        served.aws, tmp_path, STAGE, like=STAGE, **CHANGES, alarmEmails=[address]
    )
    changed.deploy("monitoring")
    tried = housing(served.aws, "test-alarm", "--stage", STAGE)
    assert f"email {address}: not yet confirmed" in tried.stdout + tried.stderr
    box = Mailbox(served.aws.state.mail_directory)
    [asked] = box.mails()
    link = next(line for line in asked.text.splitlines() if "ConfirmSubscription" in line)
    urllib.request.urlopen(link).close()
    succeed(served.aws, "test-alarm", "--stage", STAGE)
    alarm = awaited(box, f'ALARM: "housing-{STAGE}-ServerErrors" in us-east-1')
    assert alarm.to == address
    assert "This is a test message; nothing is wrong." in alarm.text


def test_a_retraining_run_that_fails_is_mailed(served: Assembly) -> None:
    session = served.aws.session()
    name = f"housing-{STAGE}-FailedRuns"
    ssm, parameter = session.client("ssm"), preprocessor_url_parameter(STAGE)
    good = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    ssm.delete_parameter(Name=parameter)  # without a preprocessor a run fails
    bucket = served.outputs("storage")["BucketName"]
    session.client("s3").put_object(Bucket=bucket, Key="incoming/Austin_TX.csv", Body=b"x")
    awaited(Mailbox(served.aws.state.mail_directory), f'ALARM: "{name}" in us-east-1')
    ssm.put_parameter(Name=parameter, Value=good, Type="String")


def test_an_update_with_a_bad_preprocessor_is_rolled_back_by_its_alarm(served: Assembly) -> None:
    session = served.aws.session()
    ssm, s3 = session.client("ssm"), session.client("s3")
    name, bucket = preprocessor_url_parameter(STAGE), served.outputs("storage")["BucketName"]
    good = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    config = statuses(served)["EndpointConfigName"]
    artifact = s3.get_object(Bucket=bucket, Key=good.split("/", 3)[3])["Body"].read()
    s3.put_object(Bucket=bucket, Key="preprocessor/bad/model.tar.gz", Body=failing(artifact))
    ssm.put_parameter(
        Name=name, Value=f"s3://{bucket}/preprocessor/bad/model.tar.gz", Overwrite=True
    )
    done = threading.Event()
    failures: list[str] = []
    clients = threading.Thread(target=keep_invoking, args=(served, done, failures))
    clients.start()
    try:
        output = served.deploy("hosting", check=False)
    finally:
        done.set()
        clients.join()
    assert failures
    assert "CloudWatch alarms in ALARM" in output
    after = statuses(served)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", config)
    assert b"score" in invoke(served)
    ssm.put_parameter(Name=name, Value=good, Overwrite=True)


def test_the_stage_is_torn_down_with_all_that_it_retains(served: Assembly) -> None:
    """The last test: nothing is left but what bootstrapping made."""
    teardown = ("teardown", "--stage", STAGE, "--yes")
    refused = housing(served.aws, *teardown).stderr
    assert "termination protection is on" in refused
    served.aws.run(*shlex.split(refused.partition(" to turn it off: ")[2]), cwd=ROOT)
    session = served.aws.session()
    succeed(served.aws, *teardown)
    assert session.client("cloudtrail").describe_trails()["trailList"] == []
    assert [bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"]] == [
        f"cdk-hnb659fds-assets-{served.aws.state.account_id}-{served.aws.state.region}"
    ]
    assert session.client("dynamodb").list_tables()["TableNames"] == []
    assert session.client("sagemaker").list_endpoints()["Endpoints"] == []


def keep_invoking(prod: Assembly, done: threading.Event, failures: list[str]) -> None:
    while not done.wait(0.05):
        try:
            invoke(prod)
        except ClientError as error:
            failures.append(str(error))


def failing(artifact: bytes) -> bytes:
    """The artifact with a script that loads and then fails at every request."""
    stream = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(artifact)) as source,
        tarfile.open(fileobj=stream, mode="w:gz") as changed,
    ):
        for member in source:
            content = source.extractfile(member)
            body = content.read() if content else b""
            if member.name.endswith(".py"):
                body += b"\ndef transform_fn(*arguments):\n    raise RuntimeError('bad')\n"
                member.size = len(body)
            changed.addfile(member, io.BytesIO(body))
    return stream.getvalue()
