"""What was acknowledged is there again, after a stop and after a kill."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from localaws import lifecycle
from localaws.state import open_state
from localaws.testing import LocalAws, start_localaws
from localaws.testing.stacks import Stack, echo_endpoint, put_artifacts

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


@pytest.fixture(params=[restarted, killed])
def again(request: pytest.FixtureRequest) -> Any:
    """Starts localaws again, after a stop or after a kill."""
    return request.param


def test_objects_parameters_roles_and_keys_survive(own_localaws: LocalAws, again: Any) -> None:
    session = own_localaws.session()
    s3 = session.client("s3")
    s3.create_bucket(Bucket="store")
    s3.put_object(Bucket="store", Key="a/b.tar.gz", Body=b"weights", Metadata={"city": "Chicago"})
    session.client("ssm").put_parameter(Name="/housing/url", Value="s3://store/a", Type="String")
    session.client("iam").create_user(UserName="ann")
    keys = session.client("iam").create_access_key(UserName="ann")["AccessKey"]
    after = again(own_localaws)
    ann = after.session(keys["AccessKeyId"], keys["SecretAccessKey"]).client("sts")
    object_ = after.session().client("s3").get_object(Bucket="store", Key="a/b.tar.gz")
    parameter = after.session().client("ssm").get_parameter(Name="/housing/url")["Parameter"]
    assert ann.get_caller_identity()["Arn"].endswith(":user/ann")
    assert (object_["Body"].read(), object_["Metadata"]) == (b"weights", {"city": "Chicago"})
    assert parameter["Value"] == "s3://store/a"


def test_objects_of_an_earlier_version_of_localaws_are_taken_over(tmp_path: Path) -> None:
    state = open_state(tmp_path / "state")
    path = state.objects_directory / state.account_id / "store" / "a" / "b.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"1,2")
    known = {"size": 3, "etag": '"1"', "metadata": {"x-amz-meta-city": "Chicago"}, "key": "a/b.csv"}
    path.with_name("b.csv.meta.json").write_text(json.dumps(known))
    localaws = start_localaws(state.directory)
    for _ in range(2):
        found = localaws.session().client("s3").get_object(Bucket="store", Key="a/b.csv")
        assert (found["Body"].read(), found["Metadata"]) == (b"1,2", {"city": "Chicago"})
        assert not path.parent.exists()
        localaws = killed(localaws)
    lifecycle.stop(state.directory)


def test_sessions_of_roles_survive(own_localaws: LocalAws, again: Any) -> None:
    keys = _role_session(own_localaws)
    after = again(own_localaws)
    session = after.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert ":assumed-role/reader/" in session.client("sts").get_caller_identity()["Arn"]


def _role_session(localaws: LocalAws) -> Any:
    trust = (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"AWS": "123456789012"}}}'
    )
    iam = localaws.session().client("iam")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]
    sts = localaws.session().client("sts")
    return sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]


def test_endpoints_of_stacks_are_in_service_again_and_answer(
    own_localaws: LocalAws, again: Any
) -> None:
    put_artifacts(own_localaws.session(), "store")
    assert Stack(own_localaws, "hosting").deploy(echo_endpoint("store", "houses")) == (
        "CREATE_COMPLETE"
    )
    after = again(own_localaws).session()
    stacks = after.client("cloudformation").describe_stacks(StackName="hosting")["Stacks"]
    endpoint = after.client("sagemaker").describe_endpoint(EndpointName="houses")
    runtime = after.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName="houses", TargetModel="0.tar.gz", Body=b"row")
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"
    assert endpoint["EndpointStatus"] == "InService"
    assert answer["Body"].read() == b"row"


def test_a_stack_can_be_updated_and_deleted_after_a_restart(own_localaws: LocalAws) -> None:
    put_artifacts(own_localaws.session(), "store")
    Stack(own_localaws, "hosting").deploy(echo_endpoint("store", "houses"))
    stack = Stack.existing(restarted(own_localaws), "hosting")
    assert stack.deploy(echo_endpoint("store", "houses", COLOUR="blue")) == "UPDATE_COMPLETE"
    stack.delete()
    assert stack.session.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_metrics_and_logs_survive(own_localaws: LocalAws, again: Any) -> None:
    cloudwatch = own_localaws.session().client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "m", "Value": 3.0}])
    logs = own_localaws.session().client("logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    logs.put_log_events(
        logGroupName="group",
        logStreamName="stream",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "hello"}],
    )
    after = again(own_localaws).session()
    metrics = after.client("cloudwatch").list_metrics(Namespace="Test")["Metrics"]
    events = after.client("logs").get_log_events(logGroupName="group", logStreamName="stream")
    assert [metric["MetricName"] for metric in metrics] == ["m"]
    assert [event["message"] for event in events["events"]] == ["hello"]


WAITING_STACK: dict[str, Any] = {
    "Made": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}},
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle", "DependsOn": "Made"},
    "Wait": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Handle",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "3600"},
    },
}


def ended(localaws: LocalAws, stack: str) -> str:
    """The status of a stack once nothing is in progress."""
    client: Any = localaws.session().client("cloudformation")
    deadline = time.monotonic() + 30
    while (status := client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]).endswith(
        "IN_PROGRESS"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return str(status)


def wait_for_parameters(localaws: LocalAws, count: int) -> None:
    ssm: Any = localaws.session().client("ssm")
    deadline = time.monotonic() + 30
    while len(ssm.describe_parameters()["Parameters"]) != count:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_stack_that_was_being_made_is_rolled_back_at_the_next_start(
    own_localaws: LocalAws, again: Any
) -> None:
    client: Any = own_localaws.session().client("cloudformation")
    client.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": WAITING_STACK}))
    wait_for_parameters(own_localaws, 1)
    after = again(own_localaws)
    assert ended(after, "s") == "ROLLBACK_COMPLETE"
    wait_for_parameters(after, 0)
    events = after.session().client("cloudformation").describe_stack_events(StackName="s")
    assert "localaws ended" in str(events["StackEvents"])


def test_a_stack_that_was_being_changed_is_as_before_at_the_next_start(
    own_localaws: LocalAws,
) -> None:
    client: Any = own_localaws.session().client("cloudformation")
    kept = {"Kept": WAITING_STACK["Made"]}
    client.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": kept}))
    assert ended(own_localaws, "s") == "CREATE_COMPLETE"
    resources = {**kept, **WAITING_STACK}
    client.update_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
    wait_for_parameters(own_localaws, 2)
    after = killed(own_localaws)
    assert ended(after, "s") == "UPDATE_ROLLBACK_COMPLETE"
    wait_for_parameters(after, 1)
