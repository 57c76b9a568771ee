from typing import Any

import pytest

from localaws.errors import AwsError
from localaws.testing.memory import SCOPE
from tests.unit.sagemaker.platform import Platform

RESOURCE = "endpoint/housing/variant/AllTraffic"
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": RESOURCE,
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}


@pytest.fixture(autouse=True)
def endpoint(platform: Platform) -> None:
    platform.deployed()


def register(platform: Platform, **members: Any) -> str:
    request = {**TARGET, "MinCapacity": 1, "MaxCapacity": 4, **members}
    return str(platform.scale("RegisterScalableTarget", **request)["ScalableTargetARN"])


def put_policy(platform: Platform, name: str = "follow") -> dict[str, Any]:
    return platform.scale(
        "PutScalingPolicy",
        **TARGET,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )


def refusal(platform: Platform, operation: str, **request: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        platform.scale(operation, **request)
    return caught.value


def targets(platform: Platform, **request: Any) -> list[dict[str, Any]]:
    answer = platform.scale("DescribeScalableTargets", ServiceNamespace="sagemaker", **request)
    return list(answer["ScalableTargets"])


def policies(platform: Platform, **request: Any) -> list[str]:
    answer = platform.scale("DescribeScalingPolicies", ServiceNamespace="sagemaker", **request)
    return [policy["PolicyName"] for policy in answer["ScalingPolicies"]]


def test_a_registered_target_is_described(platform: Platform) -> None:
    arn = register(platform)
    (target,) = targets(platform, ResourceIds=[RESOURCE])
    assert (target["MinCapacity"], target["MaxCapacity"], target["ScalableTargetARN"]) == (
        1,
        4,
        arn,
    )


def test_registering_again_changes_only_what_is_given(platform: Platform) -> None:
    arn = register(platform)
    assert platform.scale("RegisterScalableTarget", **TARGET, MaxCapacity=8) == {
        "ScalableTargetARN": arn
    }
    (target,) = targets(platform)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 8)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"MinCapacity": 0}, "MinCapacity must be at least 1"),
        ({"MinCapacity": 5}, "Maximum capacity cannot be less than minimum capacity"),
        ({"ResourceId": "endpoint/other/variant/AllTraffic"}, "Could not find endpoint"),
        ({"ResourceId": "endpoint/housing/variant/B"}, "has no variant B"),
        ({"ResourceId": "housing"}, "endpoint/<endpoint name>/variant/<variant name>"),
        ({"ServiceNamespace": "ecs"}, "Service namespace ecs is not available here"),
        (
            {"ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"},
            "is not available here",
        ),
        ({"ScalableDimension": "size"}, "satisfy enum value set"),
    ],
)
def test_what_cannot_be_scaled_is_refused(
    platform: Platform, members: dict[str, Any], message: str
) -> None:
    request = {**TARGET, "MinCapacity": 1, "MaxCapacity": 4, **members}
    assert message in refusal(platform, "RegisterScalableTarget", **request).message


def test_burstable_instances_do_not_scale(platform: Platform) -> None:
    platform.create_config("burstable", InstanceType="ml.t2.medium")
    platform.create_endpoint("small", "burstable")
    request = TARGET | {"ResourceId": "endpoint/small/variant/AllTraffic"}
    error = refusal(platform, "RegisterScalableTarget", **request, MinCapacity=1, MaxCapacity=4)
    assert "not supported for burstable instances" in error.message


def test_a_new_target_needs_both_capacities(platform: Platform) -> None:
    error = refusal(platform, "RegisterScalableTarget", **TARGET, MinCapacity=1)
    assert "MaxCapacity is needed" in error.message


def test_a_policy_belongs_to_a_target(platform: Platform) -> None:
    error = refusal(platform, "PutScalingPolicy", **TARGET, PolicyName="follow")
    assert (error.code, error.status) == ("ObjectNotFoundException", 400)


def test_a_policy_is_described_as_it_was_put(platform: Platform) -> None:
    register(platform)
    arn = put_policy(platform)["PolicyARN"]
    answer = platform.scale("DescribeScalingPolicies", ServiceNamespace="sagemaker")
    (policy,) = answer["ScalingPolicies"]
    assert (policy["PolicyARN"], policy["TargetTrackingScalingPolicyConfiguration"]) == (
        arn,
        TRACKING,
    )


def test_putting_a_policy_again_keeps_its_arn(platform: Platform) -> None:
    register(platform)
    assert put_policy(platform) == put_policy(platform)


def test_policies_are_found_by_name_and_resource(platform: Platform) -> None:
    register(platform)
    put_policy(platform, "one")
    put_policy(platform, "two")
    assert policies(platform, PolicyNames=["two"], ResourceId=RESOURCE) == ["two"]
    assert policies(platform, ResourceId="endpoint/other/variant/A") == []


def test_pages_of_policies_follow_each_other(platform: Platform) -> None:
    register(platform)
    put_policy(platform, "one")
    put_policy(platform, "two")
    page = platform.scale("DescribeScalingPolicies", ServiceNamespace="sagemaker", MaxResults=1)
    rest = policies(platform, NextToken=page["NextToken"])
    assert [page["ScalingPolicies"][0]["PolicyName"], *rest] == ["one", "two"]


def test_a_made_up_token_is_refused(platform: Platform) -> None:
    error = refusal(
        platform, "DescribeScalableTargets", ServiceNamespace="sagemaker", NextToken="x"
    )
    assert error.code == "InvalidNextTokenException"


def test_a_deleted_policy_is_gone(platform: Platform) -> None:
    register(platform)
    put_policy(platform)
    platform.scale("DeleteScalingPolicy", **TARGET, PolicyName="follow")
    assert policies(platform) == []
    error = refusal(platform, "DeleteScalingPolicy", **TARGET, PolicyName="follow")
    assert error.code == "ObjectNotFoundException"


def test_a_deregistered_target_takes_its_policies_along(platform: Platform) -> None:
    register(platform)
    put_policy(platform)
    platform.scale("DeregisterScalableTarget", **TARGET)
    assert (targets(platform), policies(platform)) == ([], [])
    assert refusal(platform, "DeregisterScalableTarget", **TARGET).code == "ObjectNotFoundException"


def test_a_target_has_tags(platform: Platform) -> None:
    arn = register(platform, Tags={"City": "Chicago", "Stage": "dev"})
    platform.scale("TagResource", ResourceARN=arn, Tags={"Stage": "prod"})
    platform.scale("UntagResource", ResourceARN=arn, TagKeys=["City"])
    assert platform.scale("ListTagsForResource", ResourceARN=arn) == {"Tags": {"Stage": "prod"}}


def test_tags_are_for_targets_that_exist(platform: Platform) -> None:
    arn = register(platform, Tags={"City": "Chicago"})
    platform.scale("DeregisterScalableTarget", **TARGET)
    assert refusal(platform, "ListTagsForResource", ResourceARN=arn).code == (
        "ResourceNotFoundException"
    )


def test_targets_survive_a_restart(platform: Platform) -> None:
    register(platform)
    platform.restart()
    assert len(targets(platform)) == 1


def test_a_scaled_variant_keeps_its_instance_type(platform: Platform) -> None:
    register(platform)
    platform.create_config("larger", InstanceType="ml.m5.2xlarge")
    error = platform.refusal("UpdateEndpoint", EndpointName="housing", EndpointConfigName="larger")
    assert "registered as a scalable target" in error.message
    platform.scale("DeregisterScalableTarget", **TARGET)
    platform.call("UpdateEndpoint", EndpointName="housing", EndpointConfigName="larger")
    assert platform.settled()["EndpointConfigName"] == "larger"


def test_a_scaled_variant_can_change_its_model(platform: Platform) -> None:
    register(platform)
    platform.create_config("config-2")
    platform.call("UpdateEndpoint", EndpointName="housing", EndpointConfigName="config-2")
    assert platform.settled()["EndpointConfigName"] == "config-2"


def test_each_operation_needs_its_permission_in_its_namespace(platform: Platform) -> None:
    (needed,) = platform.apis.autoscaling.authorizations(SCOPE, "RegisterScalableTarget", TARGET)
    assert needed.action == "application-autoscaling:RegisterScalableTarget"
    assert needed.context["application-autoscaling:service-namespace"] == "sagemaker"
