"""What was acknowledged is there again, after a stop and after a kill."""

import os
import signal
import time
from typing import Any

import pytest

from localaws import lifecycle
from tests.local.conftest import LocalAws, start_localaws
from tests.local.stacks import Stack, echo_endpoint, put_artifacts

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
