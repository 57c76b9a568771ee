"""What records tell of a call, and what they do not."""

import json
from typing import Any

from iam_policy import PolicySet, Principal
from localaws.authorization import Identity
from localaws.cloudtrail.records import HIDDEN, Asked, is_management, record_of
from localaws.errors import AwsError
from tests.unit.cloudtrail.conftest import ARN, invocation, json_call, query_call


def record(call: Asked) -> dict[str, Any]:
    found = record_of(call)
    assert found is not None
    return found


def test_an_invocation_is_a_data_event_of_its_endpoint_without_parameters() -> None:
    found = record(invocation())
    assert found["eventName"] == "InvokeEndpoint"
    assert found["eventCategory"] == "Data"
    assert found["requestParameters"] is None
    assert found["resources"] == [
        {"accountId": "123456789012", "type": "AWS::SageMaker::Endpoint", "ARN": ARN}
    ]


def test_a_session_is_told_with_its_role() -> None:
    role = "arn:aws:iam::123456789012:role/tenant"
    session = Identity(
        Principal("arn:aws:sts::123456789012:assumed-role/tenant/s", "123456789012", role),
        PolicySet(),
        {"aws:PrincipalType": "AssumedRole", "aws:userid": "AROA1:s"},
    )
    identity = record(invocation(identity=session))["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["principalId"] == "AROA1:s"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role


def test_a_denied_call_is_told_with_its_error() -> None:
    error = AwsError("AccessDeniedException", "not authorized", 403)
    found = record(invocation(status=403, error=error))
    assert (found["errorCode"], found["errorMessage"]) == ("AccessDeniedException", error.message)


def test_a_change_has_its_parameters_and_its_answer() -> None:
    body = {"EndpointName": "housing", "EndpointConfigName": "c", "Tags": [{"Key": "K"}]}
    answer = json.dumps({"EndpointArn": ARN}).encode()
    found = record(json_call("sagemaker", "SageMaker.CreateEndpoint", body, answer=answer))
    assert found["requestParameters"] == {
        "endpointName": "housing",
        "endpointConfigName": "c",
        "tags": [{"key": "K"}],
    }
    assert found["responseElements"] == {"endpointArn": ARN}
    assert (found["managementEvent"], found["readOnly"]) == (True, False)


def test_a_look_has_no_answer() -> None:
    body = {"EndpointName": "housing"}
    found = record(json_call("sagemaker", "SageMaker.DescribeEndpoint", body, answer=b'{"a": 1}'))
    assert (found["responseElements"], found["readOnly"]) == (None, True)


def test_session_tags_of_an_assumed_role_are_told() -> None:
    form = (
        "Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/tenant&RoleSessionName=s"
        "&Tags.member.1.Key=City&Tags.member.1.Value=Austin_TX"
    )
    parameters = record(query_call("sts", form))["requestParameters"]
    assert parameters["tags"] == [{"key": "City", "value": "Austin_TX"}]


def test_secrets_are_hidden() -> None:
    body = {"Name": "/password", "Value": "secret", "Type": "SecureString"}
    found = record(json_call("ssm", "AmazonSSM.PutParameter", body))
    assert found["requestParameters"]["value"] == HIDDEN
    assert "secret" not in json.dumps(found)


def test_an_error_of_another_service_is_read_from_its_answer() -> None:
    answer = b"<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>gone</Message></Error>"
    found = record(query_call("iam", "Action=GetRole&RoleName=r", status=404, answer=answer))
    assert (found["errorCode"], found["errorMessage"]) == ("NoSuchEntity", "gone")


def test_calls_on_data_are_no_management_events() -> None:
    assert not is_management("s3", "/bucket/key", "PUT")
    assert not is_management("dynamodb", "/", "PutItem")
    assert not is_management("sns", "/", "Publish")
    assert is_management("s3", "/bucket", "PUT")
    assert is_management("dynamodb", "/", "CreateTable")


def test_what_is_no_operation_is_not_recorded() -> None:
    assert record_of(json_call("ssm", "AmazonSSM.Nothing", {})) is None
    assert record_of(json_call("unknown", "Any.Thing", {})) is None
