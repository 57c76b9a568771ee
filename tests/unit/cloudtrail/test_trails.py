"""Trails: what they take, where it goes, and when it stops."""

from typing import Any

import pytest

from localaws.errors import AwsError
from localaws.testing.memory import BUCKET
from tests.unit.cloudtrail.conftest import ARN, CloudTrail, invocation, json_call

CREATE = ("sagemaker", "SageMaker.CreateEndpoint", {"EndpointName": "e"})


def invocations(*arns: str) -> dict[str, Any]:
    fields = {"eventCategory": ["Data"], "resources.type": ["AWS::SageMaker::Endpoint"]}
    if arns:
        fields["resources.ARN"] = list(arns)
    return {"FieldSelectors": [{"Field": f, "Equals": v} for f, v in fields.items()]}


def names(records: list[dict[str, Any]]) -> list[str]:
    return [record["eventName"] for record in records]


def test_records_are_gzipped_json_below_awslogs(cloudtrail: CloudTrail) -> None:
    cloudtrail.make_trail()
    cloudtrail.recorder.note(json_call(*CREATE))
    assert names(cloudtrail.delivered()) == ["CreateEndpoint"]
    [key] = cloudtrail.backend.s3.objects
    assert key.startswith("AWSLogs/123456789012/CloudTrail/us-east-1/20")
    assert key.endswith(".json.gz")


def test_a_new_trail_takes_management_events_and_no_invocations(cloudtrail: CloudTrail) -> None:
    cloudtrail.make_trail()
    cloudtrail.recorder.note(json_call(*CREATE))
    cloudtrail.recorder.note(invocation())
    assert names(cloudtrail.delivered()) == ["CreateEndpoint"]
    assert not cloudtrail.recorder.records_invocations


def test_a_trail_of_one_endpoint_takes_its_invocations_alone(cloudtrail: CloudTrail) -> None:
    cloudtrail.make_trail(invocations(ARN))
    cloudtrail.recorder.note(invocation())
    cloudtrail.recorder.note(invocation(ARN + "-2"))
    cloudtrail.recorder.note(json_call(*CREATE))
    [record] = cloudtrail.delivered()
    assert record["resources"][0]["ARN"] == ARN


def test_fields_may_start_end_and_be_other_than(cloudtrail: CloudTrail) -> None:
    selector = invocations()
    selector["FieldSelectors"].append(
        {"Field": "resources.ARN", "EndsWith": ["housing", "tenant"], "NotStartsWith": [ARN[:-2]]}
    )
    cloudtrail.make_trail(selector)
    wanted = ARN.replace("housing", "tenant")
    for arn in (ARN, wanted, wanted + "-2"):
        cloudtrail.recorder.note(invocation(arn))
    assert [record["resources"][0]["ARN"] for record in cloudtrail.delivered()] == [wanted]


def test_a_trail_that_does_not_log_takes_nothing(cloudtrail: CloudTrail) -> None:
    cloudtrail.make_trail(invocations())
    cloudtrail.call("StopLogging", Name="audit")
    cloudtrail.recorder.note(invocation())
    assert cloudtrail.delivered() == []
    assert not cloudtrail.recorder.records_invocations
    status = cloudtrail.call("GetTrailStatus", Name="audit")
    assert status["IsLogging"] is False
    assert status["TimeLoggingStopped"]


def test_nothing_is_delivered_after_a_trail_was_deleted(cloudtrail: CloudTrail) -> None:
    cloudtrail.make_trail()
    cloudtrail.recorder.note(json_call(*CREATE))
    cloudtrail.call("DeleteTrail", Name="audit")
    assert cloudtrail.delivered() == []
    assert cloudtrail.call("DescribeTrails") == {"trailList": []}


def test_the_status_tells_of_a_bucket_that_lets_nobody_in(cloudtrail: CloudTrail) -> None:
    cloudtrail.make_trail()
    cloudtrail.backend.denied.add("s3:PutObject")
    cloudtrail.recorder.note(json_call(*CREATE))
    assert cloudtrail.delivered() == []
    assert cloudtrail.call("GetTrailStatus", Name="audit")["LatestDeliveryError"] == "AccessDenied"


def test_a_trail_wants_a_bucket_whose_policy_lets_it_in(cloudtrail: CloudTrail) -> None:
    with pytest.raises(AwsError) as refused:
        cloudtrail.call("CreateTrail", Name="audit", S3BucketName="another")
    assert refused.value.code == "S3BucketDoesNotExistException"
    cloudtrail.backend.denied.add("s3:PutObject")
    with pytest.raises(AwsError) as refused:
        cloudtrail.call("CreateTrail", Name="audit", S3BucketName=BUCKET)
    assert refused.value.code == "InsufficientS3BucketPolicyException"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Name": "a"}, "InvalidTrailNameException"),
        ({"Name": "a..b"}, "InvalidTrailNameException"),
        ({"Name": "audit", "KmsKeyId": "alias/k"}, "UnsupportedOperationException"),
        ({"Name": "audit", "SnsTopicName": "t"}, "UnsupportedOperationException"),
    ],
)
def test_what_a_trail_cannot_have_is_refused(
    cloudtrail: CloudTrail, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(AwsError) as refused:
        cloudtrail.call("CreateTrail", S3BucketName=BUCKET, **members)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "fields",
    [
        {"resources.type": ["AWS::SageMaker::Endpoint"]},
        {"eventCategory": ["Data"]},
        {"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]},
        {"eventCategory": ["Management"], "colour": ["blue"]},
    ],
)
def test_selectors_for_what_is_not_recorded_are_refused(
    cloudtrail: CloudTrail, fields: dict[str, list[str]]
) -> None:
    selector = {"FieldSelectors": [{"Field": f, "Equals": v} for f, v in fields.items()]}
    with pytest.raises(AwsError) as refused:
        cloudtrail.make_trail(selector)
    assert refused.value.code == "InvalidEventSelectorsException"


def test_a_name_is_taken_once(cloudtrail: CloudTrail) -> None:
    cloudtrail.make_trail()
    with pytest.raises(AwsError) as refused:
        cloudtrail.make_trail()
    assert refused.value.code == "TrailAlreadyExistsException"


def test_tags_are_added_and_removed(cloudtrail: CloudTrail) -> None:
    cloudtrail.make_trail()
    arn = cloudtrail.call("GetTrail", Name="audit")["Trail"]["TrailARN"]
    tags = [{"Key": "stage", "Value": "prod"}, {"Key": "other", "Value": "x"}]
    cloudtrail.call("AddTags", ResourceId=arn, TagsList=tags)
    cloudtrail.call("RemoveTags", ResourceId=arn, TagsList=[{"Key": "other"}])
    [listed] = cloudtrail.call("ListTags", ResourceIdList=[arn])["ResourceTagList"]
    assert listed["TagsList"] == tags[:1]


class TestHistory:
    def test_events_are_found_by_what_they_are_about(self, cloudtrail: CloudTrail) -> None:
        for name in ("one", "two"):
            call = json_call("sagemaker", "SageMaker.CreateEndpoint", {"EndpointName": name})
            cloudtrail.recorder.note(call)
        cloudtrail.recorder.note(invocation())
        cloudtrail.recorder.deliver()
        for key, value, count in (
            ("ResourceName", "two", 1),
            ("ResourceType", "AWS::SageMaker::Endpoint", 2),
            ("EventName", "CreateEndpoint", 2),
            ("EventName", "InvokeEndpoint", 0),
            ("Username", "ann", 2),
            ("ReadOnly", "true", 0),
        ):
            wanted = [{"AttributeKey": key, "AttributeValue": value}]
            events = cloudtrail.call("LookupEvents", LookupAttributes=wanted)["Events"]
            assert len(events) == count, key

    def test_pages_hold_each_event_once_and_the_newest_first(self, cloudtrail: CloudTrail) -> None:
        for number in range(5):
            body = {"EndpointName": str(number)}
            cloudtrail.recorder.note(json_call("sagemaker", "SageMaker.CreateEndpoint", body))
        cloudtrail.recorder.deliver()
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = cloudtrail.call("LookupEvents", MaxResults=2, **token)
            found += [event["Resources"][0]["ResourceName"] for event in page["Events"]]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert found == ["4", "3", "2", "1", "0"]
