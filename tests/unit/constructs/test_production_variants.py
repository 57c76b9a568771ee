"""Several variants behind one endpoint, and what each may ask for."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from sagemaker_mme import (
    ContainerImage,
    EndpointAlarms,
    EndpointDashboard,
    InferenceAmiVersion,
    InstanceType,
    InvalidPropsError,
    ManagedInstanceScaling,
    Model,
    MultiModelContainer,
    MultiModelEndpoint,
    Processor,
    ProductionVariant,
    RoutingStrategy,
)

Resources = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def model(stack: cdk.Stack, many_models: MultiModelContainer) -> Model:
    return Model(stack, "Model", containers=[many_models])


@pytest.fixture
def gpu_model(stack: cdk.Stack, bucket: s3.IBucket) -> Model:
    triton = MultiModelContainer(image=ContainerImage.triton(), bucket=bucket)
    return Model(stack, "Triton", containers=[triton])


def problems_of(stack: cdk.Stack, **props: Any) -> list[str]:
    with pytest.raises(InvalidPropsError) as error:
        MultiModelEndpoint(stack, "Endpoint", **props)
    _, *lines = str(error.value).splitlines()
    return [line.removeprefix("  - ") for line in lines]


def test_two_variants_share_the_requests_by_weight(
    stack: cdk.Stack, model: Model, resources: Resources
) -> None:
    MultiModelEndpoint(
        stack,
        "Endpoint",
        production_variants=[
            ProductionVariant(model=model, variant_name="Blue", initial_variant_weight=9),
            ProductionVariant(model=model, variant_name="Green", initial_variant_weight=1),
        ],
    )
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    weights = {v["VariantName"]: v["InitialVariantWeight"] for v in config["ProductionVariants"]}
    assert weights == {"Blue": 9, "Green": 1}


def test_a_variant_can_have_all_that_the_api_offers_a_multi_model_endpoint(
    stack: cdk.Stack, gpu_model: Model, resources: Resources
) -> None:
    variant = ProductionVariant(
        model=gpu_model,
        instance_type=InstanceType("ml.p3.2xlarge"),
        volume_size=cdk.Size.gibibytes(200),
        variant_instance_provision_timeout=cdk.Duration.minutes(10),
        routing_strategy=RoutingStrategy.LEAST_OUTSTANDING_REQUESTS,
        managed_instance_scaling=ManagedInstanceScaling(max_instance_count=4),
        inference_ami_version=InferenceAmiVersion.GPU_3_1,
        enable_ssm_access=True,
    )
    MultiModelEndpoint(stack, "Endpoint", production_variants=[variant])
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    (found,) = config["ProductionVariants"]
    del found["ModelName"]
    assert found == {
        "EnableSSMAccess": True,
        "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-3-1",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
        "InstanceType": "ml.p3.2xlarge",
        "ManagedInstanceScaling": {
            "MaxInstanceCount": 4,
            "MinInstanceCount": 1,
            "Status": "ENABLED",
        },
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        "VariantInstanceProvisionTimeoutInSeconds": 600,
        "VariantName": "AllTraffic",
        "VolumeSizeInGB": 200,
    }


def test_a_shadow_variant_is_refused_with_the_page_of_aws(stack: cdk.Stack, model: Model) -> None:
    shadow = ProductionVariant(model=model, variant_name="Shadow")
    (problem,) = problems_of(stack, model=model, shadow_production_variants=[shadow])
    assert problem.endswith("/dg/shadow-tests-exclusions.html")


@pytest.mark.parametrize(
    ("instance_type", "problem"),
    [
        ("ml.m5.xlarge", "has no GPU"),
        ("ml.g5.12xlarge", "multi-model-support.html"),
        ("ml.c7g.large", "has no GPU"),
    ],
)
def test_triton_for_gpus_runs_on_types_with_one_gpu_alone(
    stack: cdk.Stack, gpu_model: Model, instance_type: str, problem: str
) -> None:
    (found,) = problems_of(stack, model=gpu_model, instance_type=InstanceType(instance_type))
    assert problem in found


def test_an_image_that_serves_one_model_is_refused(stack: cdk.Stack, bucket: s3.IBucket) -> None:
    image = ContainerImage.pytorch(processor=Processor.GPU)
    container = MultiModelContainer(image=image, bucket=bucket)
    with pytest.raises(InvalidPropsError, match=r"does not serve many models.*multi-model-support"):
        Model(stack, "Model", containers=[container])


def test_problems_of_variants_say_whose_they_are(stack: cdk.Stack, model: Model) -> None:
    problems = problems_of(
        stack,
        production_variants=[
            ProductionVariant(model=model, variant_name="A", initial_variant_weight=-1),
            ProductionVariant(
                model=model,
                variant_name="B",
                instance_type=InstanceType("ml.m5d.large"),
                volume_size=cdk.Size.gibibytes(513),
                inference_ami_version=InferenceAmiVersion.GPU_2,
                managed_instance_scaling=ManagedInstanceScaling(1, min_instance_count=2),
            ),
        ],
    )
    assert problems[0].startswith("no production variant has a weight above 0")
    assert problems[1] == "variant 'A': initial_variant_weight is -1; it cannot be negative"
    assert [problem.split(" ")[2] for problem in problems[2:]] == [
        "volume_size",
        "volume_size",
        "inference_ami_version",
        "max_instance_count",
    ]
    assert "dg/host-instance-storage.html" in problems[3]


@pytest.mark.parametrize("number", [0, 11])
def test_an_endpoint_has_one_to_ten_variants(stack: cdk.Stack, model: Model, number: int) -> None:
    variants = [ProductionVariant(model=model, variant_name=f"V{n}") for n in range(number)]
    problems = problems_of(stack, production_variants=variants)
    assert problems == [f"number of production_variants is {number}; allowed: 1 to 10"]


def test_variants_have_different_names(stack: cdk.Stack, model: Model) -> None:
    (problem,) = problems_of(stack, production_variants=[ProductionVariant(model=model)] * 2)
    assert problem.endswith("two of them share a name")


def test_props_of_one_variant_do_not_go_with_several(stack: cdk.Stack, model: Model) -> None:
    (problem,) = problems_of(
        stack, model=model, production_variants=[ProductionVariant(model=model)]
    )
    assert problem == "model belong into production_variants, which are given too"
    (nothing,) = problems_of(cdk.Stack(), endpoint_name="x")
    assert nothing == "neither model nor production_variants is given"


@pytest.fixture
def two_variants(stack: cdk.Stack, model: Model) -> MultiModelEndpoint:
    return MultiModelEndpoint(
        stack,
        "Endpoint",
        endpoint_name="houses",
        production_variants=[
            ProductionVariant(model=model, variant_name="Blue"),
            ProductionVariant(
                model=model,
                variant_name="Green",
                managed_instance_scaling=ManagedInstanceScaling(3),
            ),
        ],
    )


def test_metrics_of_several_variants_are_asked_for_by_name(
    two_variants: MultiModelEndpoint,
) -> None:
    metric = two_variants.find_production_variant("Green").metric_invocations()
    assert metric.dimensions == {"EndpointName": "houses", "VariantName": "Green"}
    with pytest.raises(InvalidPropsError, match=r"several production variants \(Blue, Green\)"):
        two_variants.metric_invocations()
    with pytest.raises(InvalidPropsError, match="no production variant 'Red'"):
        two_variants.find_production_variant("Red")


def test_each_variant_has_its_alarms_and_its_charts(
    stack: cdk.Stack, two_variants: MultiModelEndpoint, resources: Resources
) -> None:
    alarms = EndpointAlarms(stack, "Alarms", endpoint=two_variants)
    EndpointDashboard(stack, "Dashboard", endpoint=two_variants)
    names = {alarm["AlarmName"] for alarm in resources("AWS::CloudWatch::Alarm")}
    assert {"houses-Blue-CacheHit", "houses-Green-CacheHit"} < names
    assert len(alarms.alarms) == len(names) == 12


def test_each_variant_scales_by_itself_and_with_one_scaler(
    two_variants: MultiModelEndpoint, resources: Resources
) -> None:
    two_variants.auto_scale_instance_count(max_capacity=3, variant_name="Blue")
    (target,) = resources("AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["ResourceId"] == "endpoint/houses/variant/Blue"
    with pytest.raises(InvalidPropsError, match="two scalers would fight"):
        two_variants.auto_scale_instance_count(max_capacity=3, variant_name="Green")
    with pytest.raises(InvalidPropsError, match="no production variant 'Red'"):
        two_variants.auto_scale_instance_count(max_capacity=3, variant_name="Red")
