"""An app written for aws-sagemaker-alpha, and the same app with this library.

The alpha module has no multi-model endpoints: its app overrides properties of the L1 resources.
"""

from importlib import import_module
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

import sagemaker_mme as mme
from tests.unit.constructs.conftest import CONTEXT

# Untyped, so that a checker needs no package that only this test does.
alpha: Any = import_module("aws_cdk.aws_sagemaker_alpha")


class AlphaApp(cdk.Stack):
    """As the alpha module's README has it, with what it lacks put in by hand."""

    def __init__(self, scope: cdk.App) -> None:
        super().__init__(scope, "Alpha", env=cdk.Environment(region="us-east-1"))
        bucket = s3.Bucket.from_bucket_name(self, "Models", "my-models")
        image = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
        model = alpha.Model(
            self,
            "Model",
            containers=[
                alpha.ContainerDefinition(
                    image=_GivenImage(image), model_data=alpha.ModelData.from_bucket(bucket, "m")
                )
            ],
        )
        resource = model.node.find_child("Model")
        assert isinstance(resource, cdk.CfnResource)
        resource.add_property_override("PrimaryContainer.Mode", "MultiModel")
        resource.add_property_override("PrimaryContainer.ModelDataUrl", "s3://my-models/models/")
        resource.add_property_override(
            "PrimaryContainer.MultiModelConfig", {"ModelCacheSetting": "Enabled"}
        )
        config = alpha.EndpointConfig(
            self,
            "EndpointConfig",
            instance_production_variants=[
                alpha.InstanceProductionVariantProps(
                    model=model,
                    variant_name="my-variant",
                    initial_instance_count=2,
                    instance_type=alpha.InstanceType.M5_XLARGE,
                    container_startup_health_check_timeout=cdk.Duration.minutes(5),
                )
            ],
        )
        endpoint = alpha.Endpoint(self, "Endpoint", endpoint_config=config, endpoint_name="prices")
        variant = endpoint.find_instance_production_variant("my-variant")
        count = variant.auto_scale_instance_count(min_capacity=2, max_capacity=4)
        count.scale_on_invocations("LimitRPS", max_requests_per_second=30)
        role = iam.Role(self, "Caller", assumed_by=iam.AccountRootPrincipal())
        endpoint.grant_invoke(role)


class _GivenImage(alpha.ContainerImage):  # type: ignore[misc]
    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri = uri

    def bind(self, scope: Any, model: Any) -> Any:
        return alpha.ContainerImageConfig(image_name=self._uri)


class MovedApp(cdk.Stack):
    """The same with this library."""

    def __init__(self, scope: cdk.App) -> None:
        super().__init__(scope, "Moved", env=cdk.Environment(region="us-east-1"))
        bucket = s3.Bucket.from_bucket_name(self, "Models", "my-models")
        container = mme.MultiModelContainer(
            image=mme.ContainerImage.linear_learner(), bucket=bucket
        )
        model = mme.Model(self, "Model", containers=[container])
        endpoint = mme.MultiModelEndpoint(
            self,
            "Endpoint",
            production_variants=[
                mme.ProductionVariant(
                    model=model,
                    variant_name="my-variant",
                    initial_instance_count=2,
                    instance_type=mme.InstanceType("ml.m5.xlarge"),
                    container_startup_health_check_timeout=cdk.Duration.minutes(5),
                )
            ],
            endpoint_name="prices",
        )
        count = endpoint.auto_scale_instance_count(min_capacity=2, max_capacity=4)
        count.scale_on_invocations("LimitRPS", max_requests_per_second=30)
        role = iam.Role(self, "Caller", assumed_by=iam.AccountRootPrincipal())
        endpoint.grant_invoke(role, target_models=["NewYork_NY/*"])


@pytest.fixture(scope="module")
def both() -> tuple[Template, Template]:
    app = cdk.App(context=CONTEXT, builtin_cloud_formation_validation=False)
    before, after = AlphaApp(app), MovedApp(app)
    return Template.from_stack(before), Template.from_stack(after)


def only(template: Template, kind: str) -> dict[str, Any]:
    (resource,) = template.find_resources(kind).values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def test_the_container_is_the_same(both: tuple[Template, Template]) -> None:
    before, after = (only(template, "AWS::SageMaker::Model") for template in both)
    assert before["PrimaryContainer"] == after["PrimaryContainer"]


def test_the_variant_is_the_same(both: tuple[Template, Template]) -> None:
    variants = []
    for template in both:
        (variant,) = only(template, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
        variants.append({k: v for k, v in variant.items() if k != "ModelName"})
    assert variants[0] == variants[1]


def test_the_endpoint_keeps_its_name(both: tuple[Template, Template]) -> None:
    names = [only(template, "AWS::SageMaker::Endpoint")["EndpointName"] for template in both]
    assert names == ["prices", "prices"]


def test_the_scaling_is_the_same_but_for_pauses_that_aws_has_by_default(
    both: tuple[Template, Template],
) -> None:
    before, after = (
        only(template, "AWS::ApplicationAutoScaling::ScalingPolicy")[
            "TargetTrackingScalingPolicyConfiguration"
        ]
        for template in both
    )
    assert after == {**before, "ScaleInCooldown": 300, "ScaleOutCooldown": 300}
    targets = [only(template, "AWS::ApplicationAutoScaling::ScalableTarget") for template in both]
    assert [(t["MinCapacity"], t["MaxCapacity"]) for t in targets] == [(2, 4), (2, 4)]


def test_scaled_counts_survive_updates_here_alone(both: tuple[Template, Template]) -> None:
    """https://github.com/aws/aws-cdk/issues/23151"""
    before, after = (only(template, "AWS::SageMaker::Endpoint") for template in both)
    assert "RetainAllVariantProperties" not in before
    assert after["RetainAllVariantProperties"] is True


def test_the_role_has_what_it_needs_here_and_full_access_there(
    both: tuple[Template, Template],
) -> None:
    before, after = (str(template.find_resources("AWS::IAM::Role")) for template in both)
    assert "AmazonSageMakerFullAccess" in before
    assert "ManagedPolicyArns" not in after


def test_callers_are_held_to_target_models_here_alone(both: tuple[Template, Template]) -> None:
    """https://github.com/aws/aws-cdk/issues/23154"""
    before, after = (str(template.find_resources("AWS::IAM::Policy")) for template in both)
    assert "sagemaker:TargetModel" not in before
    assert "sagemaker:TargetModel" in after


@pytest.mark.parametrize(
    "lacking", ["multi_model", "data_capture", "deployment", "retain", "inference_execution"]
)
def test_the_alpha_module_still_lacks_what_the_table_says(lacking: str) -> None:
    """Fails when the module gains it: then the table in constructs/README.md is to be changed."""
    props = (alpha.ModelProps, alpha.EndpointConfigProps, alpha.EndpointProps)
    names = {name for cls in (*props, alpha.ContainerDefinition) for name in dir(cls)}
    assert not any(lacking in name for name in names)
