"""Requests are read as botocore's serializers write them."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore.awsrequest import prepare_request_dict
from botocore.serialize import create_serializer

from localaws.admission.reading import HttpRequest, read_call, read_json
from localaws.errors import AwsError

TAGS = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
DELETED = {"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "v"}], "Quiet": True}
LIFECYCLE: dict[str, Any] = {
    "Rules": [
        {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 3}},
        {
            "Status": "Disabled",
            "Filter": {"And": {"Prefix": "p", "Tags": TAGS}},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        },
    ]
}


def sent(service: str, operation: str, parameters: dict[str, Any]) -> HttpRequest:
    """The request that botocore sends for a call."""
    model = botocore.session.get_session().get_service_model(service)
    protocol = "json" if service == "cloudwatch" else model.protocol
    serializer = create_serializer(protocol, include_validation=False)
    wire = serializer.serialize_to_request(parameters, model.operation_model(operation))
    prepare_request_dict(wire, "http://127.0.0.1")
    url = urlsplit(wire["url"])
    body = wire["body"]
    if isinstance(body, dict):
        from urllib.parse import urlencode

        body = urlencode(body)
    headers = {str(k).lower(): str(v) for k, v in wire["headers"].items()}
    content = body.encode() if isinstance(body, str) else bytes(body)
    query = parse_qs(url.query, keep_blank_values=True)
    return HttpRequest(wire["method"], url.path, headers, query, content)


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": TAGS}),
        ("iam", "CreateRole", {"RoleName": "r", "MaxSessionDuration": 3600, "Tags": []}),
        ("sts", "AssumeRole", {"RoleArn": "r", "RoleSessionName": "x", "DurationSeconds": 900}),
        ("sns", "CreateTopic", {"Name": "n", "Attributes": {"DisplayName": "d", "X": "y"}}),
        ("cloudformation", "CreateStack", {"StackName": "s", "Capabilities": ["CAPABILITY_IAM"]}),
        ("kms", "ScheduleKeyDeletion", {"KeyId": "k", "PendingWindowInDays": 3}),
        ("ssm", "PutParameter", {"Name": "/x", "Value": "1", "Type": "String", "Tags": TAGS}),
        ("cloudwatch", "PutMetricAlarm", {"AlarmName": "a", "Threshold": 1.5, "Period": 60}),
        ("s3", "PutBucketLifecycleConfiguration", {"LifecycleConfiguration": LIFECYCLE}),
        ("s3", "DeleteObjects", {"Delete": DELETED}),
        ("s3", "PutBucketPolicy", {"Policy": "{}"}),
        ("s3", "PutObject", {"Key": "a", "Body": b"", "SSEKMSKeyId": "k"}),
        ("s3", "UploadPart", {"Key": "a/b", "PartNumber": 3, "UploadId": "u", "Body": b""}),
        ("s3", "CopyObject", {"Key": "a/b", "CopySource": "b/c"}),
        ("s3", "ListObjectsV2", {"MaxKeys": 7, "Prefix": "p"}),
        ("s3", "GetBucketLocation", {}),
        ("s3", "CreateBucket", {}),
    ],
)
def test_a_call_is_read_as_it_was_written(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    if service == "s3":
        parameters = {"Bucket": "bucket", **parameters}
    call = read_call(service, sent(service, operation, parameters))
    assert call is not None
    assert (call.operation, call.parameters) == (operation, parameters)


def test_members_that_are_null_count_as_left_out() -> None:
    headers = {"x-amz-target": "AmazonSSM.PutParameter"}
    body = b'{"Name": "/x", "Description": null, "Tags": [{"Key": "a", "Value": null}]}'
    call = read_call("ssm", HttpRequest("POST", "/", headers, {}, body))
    assert call is not None
    assert call.parameters == {"Name": "/x", "Tags": [{"Key": "a"}]}


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    headers = {"x-amz-target": "AmazonSSM.PutParameter"}
    with pytest.raises(AwsError, match="SerializationException"):
        read_call("ssm", HttpRequest("POST", "/", headers, {}, body))


@pytest.mark.parametrize(
    "body",
    [b"<a", b"<a></b>", b'<!DOCTYPE x [<!ENTITY y "z">]><Delete>&y;</Delete>', b"\x00"],
    ids=["open", "crossed", "entity", "control character"],
)
def test_a_body_that_is_no_xml_is_refused(body: bytes) -> None:
    with pytest.raises(AwsError, match="MalformedXML"):
        read_call("s3", HttpRequest("POST", "/bucket", {}, {"delete": [""]}, body))


def test_what_is_no_operation_is_left_to_the_service() -> None:
    assert read_call("iam", HttpRequest("POST", "/", {}, {"Action": ["Nope"]}, b"")) is None
    assert read_call("s3", HttpRequest("PATCH", "/bucket", {}, {}, b"")) is None


def _form(tags: int) -> HttpRequest:
    fields = "".join(f"&Tags.member.{number}.Key=k" for number in range(1, tags + 1))
    return HttpRequest("POST", "/", {}, {}, f"Action=TagRole&RoleName=a{fields}".encode())


def test_a_form_takes_time_in_proportion_to_its_fields() -> None:
    read_call("iam", _form(1))
    began = time.process_time()
    call = read_call("iam", _form(30_000))
    assert time.process_time() - began < 10  # minutes, if each tag were looked for in all fields
    assert call is not None
    assert len(call.parameters["Tags"]) == 30_000


def test_a_form_has_so_many_fields_at_most() -> None:
    with pytest.raises(AwsError, match="more than 100000 fields"):
        read_call("iam", _form(100_001))


def test_names_of_fields_go_so_deep_at_most() -> None:
    body = b"Action=TagRole&RoleName=a&" + b".".join([b"a"] * 10_000) + b"=1"
    call = read_call("iam", HttpRequest("POST", "/", {}, {}, body))
    assert call is not None
    assert call.parameters == {"RoleName": "a"}


@pytest.mark.parametrize(
    "body",
    [b'{"a": "\\ud800"}', b"[" * 100_000, b'{"a": ' + b"9" * 5_000 + b"}", b'{"a": "\xff"}', b"[]"],
    ids=["half a character", "deep", "long number", "not UTF-8", "no object"],
)
def test_a_body_that_is_no_json_object_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(AwsError) as refused:
        read_json(body)
    assert refused.value.code == "SerializationException"


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert read_json(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}
