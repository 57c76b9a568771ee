"""A stack to build in, and the smallest pipeline."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from sagemaker_mme import (
    Container,
    ContainerImage,
    Model,
    ModelData,
    MultiModelContainer,
    MultiModelEndpoint,
)

CONTEXT = {"@aws-cdk/aws-iam:minimizePolicies": True}


def new_stack(**environment: str) -> cdk.Stack:
    app = cdk.App(context=CONTEXT, builtin_cloud_formation_validation=False)
    return cdk.Stack(app, "Stack", env=cdk.Environment(**environment) if environment else None)


@pytest.fixture
def stack() -> cdk.Stack:
    """A stack for any account and region."""
    return new_stack()


@pytest.fixture
def bucket(stack: cdk.Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_name(stack, "ForeignBucket", "models-of-somebody")


@pytest.fixture
def preprocessor(bucket: s3.IBucket) -> Container:
    return Container.scikit_learn(
        script="script.py", model_data=ModelData.from_bucket(bucket, "preprocessor/1/model.tar.gz")
    )


@pytest.fixture
def many_models(bucket: s3.IBucket) -> MultiModelContainer:
    return MultiModelContainer(image=ContainerImage.linear_learner(), bucket=bucket)


@pytest.fixture
def model(stack: cdk.Stack, preprocessor: Container, many_models: MultiModelContainer) -> Model:
    return Model(stack, "Model", containers=[preprocessor, many_models])


@pytest.fixture
def endpoint(stack: cdk.Stack, model: Model) -> MultiModelEndpoint:
    return MultiModelEndpoint(stack, "Endpoint", model=model, endpoint_name="houses")


@pytest.fixture
def resources(stack: cdk.Stack) -> Callable[[str], list[dict[str, Any]]]:
    """The properties of all resources of one type, in the template as it is when called."""

    def find(kind: str) -> list[dict[str, Any]]:
        found = Template.from_stack(stack).find_resources(kind)
        return [resource.get("Properties", {}) for resource in found.values()]

    return find


def statements(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All statements of AWS::IAM::Policy resources."""
    return [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
