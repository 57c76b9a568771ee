from functools import cache
from typing import Any

import botocore.session
import pytest

from localaws.admission.validation import matches, validate
from localaws.errors import AwsError


@cache
def model_of(service: str) -> Any:
    """What botocore knows of a service; of this one it is half a second's work to read."""
    return botocore.session.get_session().get_service_model(service)


def check(operation: str, request: dict[str, Any]) -> None:
    validate(model_of("sagemaker").operation_model(operation).input_shape, request)


def problems(operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(AwsError) as caught:
        check(operation, request)
    assert caught.value.code == "ValidationException"
    return caught.value.message


def test_a_good_request_passes() -> None:
    check(
        "CreateModel",
        {
            "ModelName": "housing",
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/path/hosting",
            "Containers": [
                {"Image": "a", "Environment": {"KEY": "value"}},
                {"Image": "b", "Mode": "MultiModel", "ModelDataUrl": "s3://bucket/models/"},
            ],
            "Tags": [{"Key": "Größe", "Value": "1 = eins"}],
            "EnableNetworkIsolation": True,
        },
    )


def test_a_member_of_null_is_as_good_as_absent() -> None:
    check("ListModels", {"NameContains": None})


def test_a_missing_member_must_not_be_null() -> None:
    assert problems("DescribeModel", {}) == (
        "1 validation error detected: Value null at 'modelName' failed to satisfy constraint: "
        "Member must not be null"
    )


def test_a_pattern_must_match_from_end_to_end() -> None:
    assert problems("DescribeEndpoint", {"EndpointName": "a_b"}) == (
        "1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )


@pytest.mark.parametrize(
    ("operation", "request_", "rule"),
    [
        ("DescribeEndpoint", {"EndpointName": "a" * 64}, "have length less than or equal to 63"),
        ("ListModels", {"MaxResults": 0}, "have value greater than or equal to 1"),
        ("ListModels", {"MaxResults": 101}, "have value less than or equal to 100"),
        ("ListModels", {"MaxResults": "5"}, "be of type integer"),
        ("ListModels", {"MaxResults": True}, "be of type integer"),
        ("ListModels", {"SortBy": "Size"}, "satisfy enum value set: [Name, CreationTime]"),
        ("ListModels", {"CreationTimeAfter": "today"}, "be a number of seconds since the epoch"),
        ("ListModels", {"NameContains": 5}, "be a string"),
        ("CreateModel", {"ModelName": "a", "EnableNetworkIsolation": "yes"}, "be a boolean"),
        ("CreateModel", {"ModelName": "a", "Containers": {}}, "be a list"),
        ("CreateModel", {"ModelName": "a", "PrimaryContainer": []}, "be a structure"),
    ],
)
def test_each_kind_of_rule_has_its_words(
    operation: str, request_: dict[str, Any], rule: str
) -> None:
    assert f"Member must {rule}" in problems(operation, request_)


def test_members_of_lists_and_maps_are_named_by_their_place() -> None:
    request = {
        "ModelName": "a",
        "Containers": [{"Image": "a"}, {"Image": "", "Environment": {"1-bad": "x"}}],
    }
    message = problems("CreateModel", request)
    assert "'containers.2.member.image'" in message
    assert "'containers.2.member.environment.key'" in message


def test_all_problems_are_told_at_once() -> None:
    message = problems("CreateEndpoint", {"EndpointName": "-"})
    assert message.startswith("2 validation errors detected: ")
    assert "'endpointConfigName'" in message
    assert "'endpointName'" in message


def test_a_member_that_the_service_does_not_know_is_refused_by_name() -> None:
    message = problems("DescribeModel", {"ModelName": "a", "ModelNmae": "b"})
    assert "'modelNmae'" in message


@pytest.mark.parametrize("service", ["sagemaker", "application-autoscaling"])
def test_every_pattern_of_the_service_can_be_checked(service: str) -> None:
    model = model_of(service)
    for name in model.shape_names:
        shape = model.shape_for(name)
        if shape.type_name == "string" and "pattern" in shape.metadata:
            matches(shape.metadata["pattern"], "some text")


def test_a_character_outside_the_basic_plane_is_one_character_of_a_java_pattern() -> None:
    autoscaling = model_of("application-autoscaling")
    shape = autoscaling.operation_model("DescribeScalableTargets").input_shape
    validate(shape, {"ServiceNamespace": "sagemaker", "ResourceIds": ["endpoint/🏠"]})
