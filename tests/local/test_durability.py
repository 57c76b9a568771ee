"""What was acknowledged is there again, after a stop and after a kill."""

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localaws import lifecycle, testing
from localaws.state import open_state
from localaws.testing import LocalAws
from localaws.testing.stacks import Stack, echo_endpoint, put_artifacts
from tests.local.servers import start_localaws

SAVED_WITHIN = 1.0
"""Seconds; what docs/localaws.md promises."""


def restarted(localaws: LocalAws) -> LocalAws:
    lifecycle.stop(localaws.state.directory)
    return start_localaws(localaws.state.directory)


def killed(localaws: LocalAws) -> LocalAws:
    running = lifecycle.find_running(localaws.state.directory)
    assert running is not None
    time.sleep(2 * SAVED_WITHIN)
    os.kill(running.process_id, signal.SIGKILL)
    while lifecycle.find_running(localaws.state.directory) is not None:
        time.sleep(0.02)
    return start_localaws(localaws.state.directory)


Client = Any
Keys = Mapping[str, str]


@dataclass(frozen=True)
class Survivor:
    """A server that ended with something of everything, and was started again.

    Attributes
    ----------
    aws : LocalAws
        Since then.
    ann, reader : Keys
        Of a user and of a role's session from before.
    """

    aws: LocalAws
    ann: Keys
    reader: Keys

    def client(self, service: str) -> Client:
        return self.aws.session().client(service)  # type: ignore[call-overload]

    def caller(self, keys: Keys) -> str:
        """The ARN that keys stand for."""
        token = keys.get("SessionToken")
        session = self.aws.session(keys["AccessKeyId"], keys["SecretAccessKey"], token)
        return session.client("sts").get_caller_identity()["Arn"]


@pytest.fixture(scope="module", params=[restarted, killed])
def after(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Survivor]:
    """After a stop, and after a kill."""
    directory = tmp_path_factory.mktemp("durability") / "state"
    aws = start_localaws(directory)
    try:
        iam: Client = aws.session().client("iam")
        iam.create_user(UserName="ann")
        ann = iam.create_access_key(UserName="ann")["AccessKey"]
        reader = _role_session(aws)
        _put_object_parameter_metric_and_event(aws)
        put_artifacts(aws.session(), "artifacts")
        hosting = Stack(aws, "hosting").deploy(echo_endpoint("artifacts", "houses"))
        assert hosting == "CREATE_COMPLETE"
        assert Stack(aws, "changed").deploy({"Kept": PARAMETER}) == "CREATE_COMPLETE"
        cloudformation: Client = aws.session().client("cloudformation")
        made, changed = WAITING_STACK, {"Kept": PARAMETER, **WAITING_STACK}
        cloudformation.create_stack(**template("made", made))
        cloudformation.update_stack(**template("changed", changed))
        wait_for_parameters(aws, 1 + 3)
        yield Survivor(request.param(aws), ann, reader)
    finally:
        lifecycle.stop(directory)


def _put_object_parameter_metric_and_event(aws: LocalAws) -> None:
    session = aws.session()
    s3 = session.client("s3")
    s3.create_bucket(Bucket="store")
    s3.put_object(Bucket="store", Key="a/b.tar.gz", Body=b"weights", Metadata={"city": "Chicago"})
    upload = s3.create_multipart_upload(Bucket="store", Key="large")["UploadId"]
    s3.upload_part(Bucket="store", Key="large", UploadId=upload, PartNumber=1, Body=b"half")
    session.client("ssm").put_parameter(Name="/housing/url", Value="s3://store/a", Type="String")
    cloudwatch = session.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "m", "Value": 3.0}])
    logs = session.client("logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    logs.put_log_events(
        logGroupName="group",
        logStreamName="stream",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "hello"}],
    )


def _role_session(localaws: LocalAws) -> Any:
    trust = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"AWS": "123456789012"}}}'
    )
    iam = localaws.session().client("iam")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]
    sts = localaws.session().client("sts")
    return sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]


PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}
WAITING_STACK: dict[str, Any] = {
    "Made": PARAMETER,
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle", "DependsOn": "Made"},
    "Wait": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Handle",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "3600"},
    },
}


def template(stack: str, resources: dict[str, Any]) -> dict[str, str]:
    return {"StackName": stack, "TemplateBody": json.dumps({"Resources": resources})}


def wait_for_parameters(localaws: LocalAws, count: int) -> None:
    ssm: Client = localaws.session().client("ssm")
    deadline = time.monotonic() + 30
    while len(ssm.describe_parameters()["Parameters"]) != count:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_objects_and_parameters_survive(after: Survivor) -> None:
    object_ = after.client("s3").get_object(Bucket="store", Key="a/b.tar.gz")
    assert (object_["Body"].read(), object_["Metadata"]) == (b"weights", {"city": "Chicago"})
    parameter = after.client("ssm").get_parameter(Name="/housing/url")["Parameter"]
    assert parameter["Value"] == "s3://store/a"


def test_an_upload_in_parts_goes_on(after: Survivor) -> None:
    s3 = after.client("s3")
    (upload,) = s3.list_multipart_uploads(Bucket="store")["Uploads"]
    named = {"Bucket": "store", "Key": "large", "UploadId": upload["UploadId"]}
    (part,) = s3.list_parts(**named)["Parts"]
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket="store", Key="large")["Body"].read() == b"half"


def test_users_and_sessions_of_roles_survive(after: Survivor) -> None:
    assert after.caller(after.ann).endswith(":user/ann")
    assert ":assumed-role/reader/" in after.caller(after.reader)


def test_metrics_and_logs_survive(after: Survivor) -> None:
    metrics = after.client("cloudwatch").list_metrics(Namespace="Test")["Metrics"]
    events = after.client("logs").get_log_events(logGroupName="group", logStreamName="stream")
    assert [metric["MetricName"] for metric in metrics] == ["m"]
    assert [event["message"] for event in events["events"]] == ["hello"]


def test_endpoints_of_stacks_are_in_service_again_and_answer(after: Survivor) -> None:
    stacks = after.client("cloudformation").describe_stacks(StackName="hosting")["Stacks"]
    endpoint = after.client("sagemaker").describe_endpoint(EndpointName="houses")
    answer = after.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="houses", TargetModel="0.tar.gz", Body=b"row"
    )
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"
    assert endpoint["EndpointStatus"] == "InService"
    assert answer["Body"].read() == b"row"


def test_a_stack_that_was_being_made_is_rolled_back(after: Survivor) -> None:
    assert Stack.existing(after.aws, "made").wait() == "ROLLBACK_COMPLETE"
    events = after.client("cloudformation").describe_stack_events(StackName="made")
    assert "localaws ended" in str(events["StackEvents"])


def test_a_stack_that_was_being_changed_is_as_before(after: Survivor) -> None:
    assert Stack.existing(after.aws, "changed").wait() == "UPDATE_ROLLBACK_COMPLETE"
    wait_for_parameters(after.aws, 1 + 1)


def test_a_stack_can_be_updated_and_deleted(after: Survivor) -> None:
    """The last test: no endpoint is left."""
    stack = Stack.existing(after.aws, "hosting")
    assert stack.deploy(echo_endpoint("artifacts", "houses", COLOUR="blue")) == "UPDATE_COMPLETE"
    stack.delete()
    assert after.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_objects_of_an_earlier_version_of_localaws_are_taken_over(tmp_path: Path) -> None:
    state = open_state(tmp_path / "state")
    path = state.objects_directory / state.account_id / "store" / "a" / "b.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"1,2")
    known = {"size": 3, "etag": '"1"', "metadata": {"x-amz-meta-city": "Chicago"}, "key": "a/b.csv"}
    path.with_name("b.csv.meta.json").write_text(json.dumps(known))
    localaws = testing.start_localaws(state.directory)  # MiniStack reads those when imported
    for _ in range(2):
        found = localaws.session().client("s3").get_object(Bucket="store", Key="a/b.csv")
        assert (found["Body"].read(), found["Metadata"]) == (b"1,2", {"city": "Chicago"})
        assert not path.parent.exists()
        localaws = killed(localaws)
    lifecycle.stop(state.directory)
