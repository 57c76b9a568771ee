"""An endpoint in front of an endpoint config that was made elsewhere."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from sagemaker_mme import ConfiguredEndpoint, EndpointAlarms, InvalidPropsError
from tests.unit.constructs.conftest import statements

Resources = Callable[[str], list[dict[str, Any]]]


def test_it_runs_the_config_under_its_own_name(stack: cdk.Stack, resources: Resources) -> None:
    ConfiguredEndpoint(stack, "Endpoint", endpoint_config_name="houses-3", endpoint_name="houses")
    assert resources("AWS::SageMaker::Endpoint") == [
        {"EndpointName": "houses", "EndpointConfigName": "houses-3"}
    ]
    assert resources("AWS::SageMaker::EndpointConfig") == []
    (group,) = resources("AWS::Logs::LogGroup")
    assert group == {"LogGroupName": "/aws/sagemaker/Endpoints/houses", "RetentionInDays": 30}


def test_it_is_granted_and_watched_like_any_other(stack: cdk.Stack, resources: Resources) -> None:
    endpoint = ConfiguredEndpoint(
        stack,
        "Endpoint",
        endpoint_config_name="houses-3",
        variants={"Old": ["models"], "New": ["models"]},
    )
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    endpoint.grants.invoke(role, target_models=["NewYork_NY/*"])
    EndpointAlarms(stack, "Alarms", endpoint=endpoint)
    (statement,) = statements(resources("AWS::IAM::Policy"))
    assert statement["Condition"] == {"StringLike": {"sagemaker:TargetModel": ["NewYork_NY/*"]}}
    assert len(resources("AWS::CloudWatch::Alarm")) == 12


def test_its_name_is_checked(stack: cdk.Stack) -> None:
    with pytest.raises(InvalidPropsError, match="endpoint_name 'Houses'"):
        ConfiguredEndpoint(
            stack, "Endpoint", endpoint_config_name="houses-3", endpoint_name="Houses"
        )
