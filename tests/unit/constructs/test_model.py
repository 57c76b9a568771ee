"""The pipeline's model: containers, role and network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from sagemaker_mme import (
    Container,
    ContainerImage,
    InferenceExecutionMode,
    InvalidPropsError,
    Model,
    ModelCacheSetting,
    ModelData,
    MultiModelContainer,
    MultiModelEndpoint,
)
from tests.unit.constructs.conftest import statements

Resources = Callable[[str], list[dict[str, Any]]]
PLAIN = Container(image=ContainerImage.from_uri("example.com/image:1"))


def problems_of(*args: Any, **props: Any) -> list[str]:
    """What the error says is wrong, line by line."""
    with pytest.raises(InvalidPropsError) as error:
        Model(*args, **props)
    _, *lines = str(error.value).splitlines()
    return [line.removeprefix("  - ") for line in lines]


def test_containers_are_rendered_in_order(model: Model, resources: Resources) -> None:
    (properties,) = resources("AWS::SageMaker::Model")
    first, second = properties["Containers"]
    assert first["Mode"] == "SingleModel"
    assert first["ModelDataUrl"] == "s3://models-of-somebody/preprocessor/1/model.tar.gz"
    assert second["Mode"] == "MultiModel"
    assert second["ModelDataUrl"] == "s3://models-of-somebody/models/"
    assert second["MultiModelConfig"] == {"ModelCacheSetting": "Enabled"}


def test_the_model_has_no_name_so_that_it_can_be_replaced(
    model: Model, resources: Resources
) -> None:
    (properties,) = resources("AWS::SageMaker::Model")
    assert "ModelName" not in properties


def test_the_scikit_learn_container_starts_without_a_network(
    model: Model, resources: Resources
) -> None:
    (properties,) = resources("AWS::SageMaker::Model")
    assert properties["Containers"][0]["Environment"] == {
        "PIP_NO_BUILD_ISOLATION": "false",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/json",
        "SAGEMAKER_PROGRAM": "script.py",
        "SAGEMAKER_REGION": {"Ref": "AWS::Region"},
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }


def test_the_cache_can_be_turned_off(
    stack: cdk.Stack, many_models: MultiModelContainer, resources: Resources
) -> None:
    uncached = replace(many_models, model_cache_setting=ModelCacheSetting.DISABLED)
    Model(stack, "Model", containers=[PLAIN, uncached])
    (properties,) = resources("AWS::SageMaker::Model")
    assert properties["Containers"][1]["MultiModelConfig"] == {"ModelCacheSetting": "Disabled"}


def test_the_model_waits_for_its_roles_policy(stack: cdk.Stack, model: Model) -> None:
    (found,) = Template.from_stack(stack).find_resources("AWS::SageMaker::Model").values()
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    assert policy in found["DependsOn"]


def test_the_role_is_assumed_by_sagemaker_for_the_own_account_only(
    model: Model, resources: Resources
) -> None:
    (role,) = resources("AWS::IAM::Role")
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
    ]


def test_the_role_reads_the_folders_of_its_artifacts_and_nothing_else_in_the_bucket(
    model: Model, resources: Resources
) -> None:
    granted = [
        statement
        for statement in statements(resources("AWS::IAM::Policy"))
        if "s3:" in str(statement["Action"])
    ]
    prefixes = [
        statement["Condition"]["StringLike"]["s3:prefix"]
        for statement in granted
        if statement["Action"] == "s3:ListBucket"
    ]
    assert prefixes == [["preprocessor/1/*"], ["models/*"]]
    assert {str(statement["Action"]) for statement in granted} == {"s3:ListBucket", "s3:GetObject"}


def test_only_actions_that_know_no_resource_are_allowed_on_all(
    model: Model, resources: Resources
) -> None:
    everywhere = {
        str(statement["Action"])
        for statement in statements(resources("AWS::IAM::Policy"))
        if statement["Resource"] == "*"
    }
    assert everywhere == {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"}


def test_a_given_role_is_used_as_it_is(
    stack: cdk.Stack, many_models: MultiModelContainer, resources: Resources
) -> None:
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/host")
    Model(stack, "Model", containers=[PLAIN, many_models], role=role)
    (properties,) = resources("AWS::SageMaker::Model")
    assert properties["ExecutionRoleArn"] == "arn:aws:iam::123456789012:role/host"
    assert resources("AWS::IAM::Role") == []


def test_network_isolation(
    stack: cdk.Stack, many_models: MultiModelContainer, resources: Resources
) -> None:
    Model(stack, "Model", containers=[PLAIN, many_models], network_isolation=True)
    (properties,) = resources("AWS::SageMaker::Model")
    assert properties["EnableNetworkIsolation"] is True


def test_in_a_vpc_the_role_may_make_network_interfaces(
    stack: cdk.Stack, many_models: MultiModelContainer, resources: Resources
) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, restrict_default_security_group=False)
    Model(stack, "Model", containers=[PLAIN, many_models], vpc=vpc)
    (properties,) = resources("AWS::SageMaker::Model")
    assert len(properties["VpcConfig"]["Subnets"]) == 2
    assert len(properties["VpcConfig"]["SecurityGroupIds"]) == 1
    actions = str([s["Action"] for s in statements(resources("AWS::IAM::Policy"))])
    assert "ec2:CreateNetworkInterface" in actions


def test_subnets_of_one_zone_are_refused(
    stack: cdk.Stack, many_models: MultiModelContainer
) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    (problem,) = problems_of(stack, "Model", containers=[PLAIN, many_models], vpc=vpc)
    assert "SageMaker wants two zones" in problem


def test_more_than_five_security_groups_are_refused(
    stack: cdk.Stack, many_models: MultiModelContainer
) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    groups = [ec2.SecurityGroup(stack, f"Group{n}", vpc=vpc) for n in range(6)]
    (problem,) = problems_of(
        stack, "Model", containers=[PLAIN, many_models], vpc=vpc, security_groups=groups
    )
    assert problem == "security_groups has 6 entries; allowed: 1 to 5"


def test_subnets_and_security_groups_need_a_vpc(
    stack: cdk.Stack, many_models: MultiModelContainer
) -> None:
    problems = problems_of(
        stack,
        "Model",
        containers=[PLAIN, many_models],
        vpc_subnets=ec2.SubnetSelection(),
        security_groups=[],
    )
    assert problems == [
        "vpc_subnets is given without vpc",
        "security_groups is given without vpc",
    ]


def test_one_container_with_many_models_is_enough(
    stack: cdk.Stack, many_models: MultiModelContainer, resources: Resources
) -> None:
    model = Model(stack, "Model", containers=[many_models])
    (properties,) = resources("AWS::SageMaker::Model")
    assert properties["PrimaryContainer"]["Mode"] == "MultiModel"
    assert "Containers" not in properties
    assert model.container_names == ("container-1",)


@pytest.mark.parametrize("number", [0, 16])
def test_a_pipeline_has_at_most_15_containers(
    stack: cdk.Stack, many_models: MultiModelContainer, number: int
) -> None:
    containers = ([PLAIN] * (number - 1) + [many_models])[:number]
    problem, *_ = problems_of(stack, "Model", containers=containers)
    assert problem == f"containers has {number} entries; allowed: 1 to 15"


@pytest.mark.parametrize("number", [0, 2])
def test_exactly_one_container_holds_many_models(
    stack: cdk.Stack, many_models: MultiModelContainer, number: int
) -> None:
    (problem,) = problems_of(stack, "Model", containers=[PLAIN, PLAIN] + [many_models] * number)
    assert problem == (
        f"containers has {number} MultiModelContainers; a multi-model endpoint needs exactly one"
    )


def test_names_are_for_all_containers_or_for_none(
    stack: cdk.Stack, many_models: MultiModelContainer
) -> None:
    (problem,) = problems_of(stack, "Model", containers=[replace(PLAIN, name="first"), many_models])
    assert "names for all of them or for none" in problem


def test_names_differ(stack: cdk.Stack, many_models: MultiModelContainer) -> None:
    containers = [replace(PLAIN, name="one"), replace(many_models, name="one")]
    (problem,) = problems_of(stack, "Model", containers=containers)
    assert "share a name" in problem


def test_all_problems_are_told_at_once(
    stack: cdk.Stack, many_models: MultiModelContainer, bucket: s3.IBucket
) -> None:
    bad = replace(
        PLAIN,
        name="-bad-",
        environment={"LONG": "x" * 1025} | {f"KEY{n}": "" for n in range(100)},
        model_data=ModelData.from_url("s3://b/k", bucket=bucket, prefix="no-slash"),
    )
    problems = problems_of(stack, "Model", containers=[bad])
    assert problems == [
        "containers has 0 MultiModelContainers; a multi-model endpoint needs exactly one",
        "containers[0].name '-bad-' is not a host name of letters, digits and inner hyphens",
        "containers[0]: prefix 'no-slash' must end with a slash and not start with one",
        "containers[0].environment has 101 entries; allowed: 100",
        "containers[0].environment['LONG'] is longer than 1024 bytes",
    ]


def test_all_environments_together_take_32_kib(
    stack: cdk.Stack, many_models: MultiModelContainer
) -> None:
    large = replace(PLAIN, environment={f"KEY{n:02}": "x" * 1000 for n in range(33)})
    (problem,) = problems_of(stack, "Model", containers=[large, many_models])
    assert problem == "the environments of all containers take 33165 bytes; allowed: 32768"


def test_values_known_at_deploy_time_are_let_through(
    stack: cdk.Stack, bucket: s3.IBucket, resources: Resources
) -> None:
    url = cdk.CfnParameter(stack, "Url").value_as_string
    data = ModelData.from_url(url, bucket=bucket, prefix="preprocessor/")
    first = Container(
        image=ContainerImage.from_uri("example.com/image:1"), model_data=data, name=url
    )
    second = MultiModelContainer(
        image=ContainerImage.linear_learner(), bucket=bucket, name=cdk.Aws.STACK_NAME
    )
    Model(stack, "Model", containers=[first, second])
    (properties,) = resources("AWS::SageMaker::Model")
    assert properties["Containers"][0]["ModelDataUrl"] == {"Ref": "Url"}


def test_metrics_know_the_containers_by_name(
    model: Model, stack: cdk.Stack, many_models: MultiModelContainer
) -> None:
    assert model.container_names == ("container-1", "container-2")
    named = Model(
        stack, "Named", containers=[replace(PLAIN, name="a"), replace(many_models, name="b")]
    )
    assert named.container_names == ("a", "b")


def test_an_imported_model_has_the_arn_of_its_name(stack: cdk.Stack) -> None:
    imported = Model.from_model_name(stack, "Imported", "houses")
    assert imported.model_name == "houses"
    assert stack.resolve(imported.model_arn)["Fn::Join"][1][-1] == ":model/houses"


def test_a_model_by_its_arn_has_the_name_in_it(stack: cdk.Stack) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:model/houses"
    assert Model.from_model_arn(stack, "Imported", arn).model_name == "houses"


def test_an_endpoint_serves_an_imported_model(stack: cdk.Stack, resources: Resources) -> None:
    imported = Model.from_model_name(stack, "Imported", "houses")
    MultiModelEndpoint(stack, "Endpoint", model=imported)
    (config,) = resources("AWS::SageMaker::EndpointConfig")
    assert config["ProductionVariants"][0]["ModelName"] == "houses"


def test_containers_can_be_invoked_each_by_itself(
    stack: cdk.Stack, many_models: MultiModelContainer, resources: Resources
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-create.html"""
    Model(
        stack,
        "Model",
        containers=[replace(PLAIN, name="one"), replace(many_models, name="many")],
        inference_execution_mode=InferenceExecutionMode.DIRECT,
    )
    (model,) = resources("AWS::SageMaker::Model")
    assert model["InferenceExecutionConfig"] == {"Mode": "Direct"}


def test_direct_invocation_wants_two_containers_with_names(
    stack: cdk.Stack, many_models: MultiModelContainer
) -> None:
    problems = problems_of(
        stack,
        "Model",
        containers=[many_models],
        inference_execution_mode=InferenceExecutionMode.DIRECT,
    )
    assert all(problem.endswith("dg/multi-container-create.html") for problem in problems)
    assert len(problems) == 2


def test_a_pipeline_says_nothing_of_how_it_is_invoked(model: Model, resources: Resources) -> None:
    (properties,) = resources("AWS::SageMaker::Model")
    assert "InferenceExecutionConfig" not in properties
