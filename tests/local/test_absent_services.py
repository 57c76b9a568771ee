"""What clients are told of services that localaws does not have."""

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from localaws.testing import LocalAws


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("glue", "get_databases"),  # JSON
        ("batch", "describe_job_queues"),  # REST with JSON
        ("rds", "describe_db_instances"),  # query
        ("ec2", "describe_instances"),  # its own query
        ("route53", "list_hosted_zones"),  # REST with XML
    ],
)
def test_a_service_that_is_not_there_is_named_in_every_protocol(
    localaws: LocalAws, service: str, operation: str
) -> None:
    client = localaws.session().client(service)  # type: ignore[call-overload]
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)()
    error = refused.value.response["Error"]
    assert error["Code"] == "NotImplemented"
    assert (
        f"localaws has no {service}; it has apigateway, application-autoscaling, "
        in error["Message"]
    )


def test_a_runtime_that_is_not_there_is_not_said_to_be_sagemaker(localaws: LocalAws) -> None:
    client = localaws.session().client("sagemaker-featurestore-runtime")
    with pytest.raises(ClientError, match="does not have the operation GET /FeatureGroup/a"):
        client.get_record(FeatureGroupName="a", RecordIdentifierValueAsString="b")


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("apigateway", "GetDocumentationVersions", {"restApiId": "a"}),
        ("cloudformation", "DescribeAccountLimits", {}),
        ("iam", "CreateServiceSpecificCredential", {"UserName": "u", "ServiceName": "s"}),
        ("lambda", "ListCapacityProviders", {}),
        ("kms", "DescribeCustomKeyStores", {}),
        ("logs", "DescribeExportTasks", {}),
        ("stepfunctions", "RedriveExecution", {"executionArn": "arn:aws:states:a:b:c:d:e"}),
        ("sts", "DecodeAuthorizationMessage", {"EncodedMessage": "a"}),
    ],
)
def test_an_operation_that_is_not_there_is_said_to_be_missing_here(
    localaws: LocalAws, service: str, operation: str, parameters: dict[str, str]
) -> None:
    """AWS has it: it is not called unknown."""
    client = localaws.session().client(service)  # type: ignore[call-overload]
    with pytest.raises(
        ClientError, match=f"does not have the operation {operation} of "
    ) as refused:
        getattr(client, xform_name(operation))(**parameters)
    assert refused.value.response["Error"]["Code"] == "NotImplemented"
