"""Nothing is open to those without permissions, in any service."""

import json
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.stacks import TRUST_SAGEMAKER

TRUST_ACCOUNT = json.dumps(TRUST_SAGEMAKER).replace(
    '"Service": "sagemaker.amazonaws.com"', '"AWS": "123456789012"'
)
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("application-autoscaling", "describe_scalable_targets", {"ServiceNamespace": "sagemaker"}),
    ("cloudformation", "describe_stacks", {}),
    ("cloudformation", "get_template", {"StackName": "CDKToolkit"}),
    ("cloudwatch", "describe_alarms", {}),
    (
        "cloudwatch",
        "get_metric_data",
        {"MetricDataQueries": [], "StartTime": 0, "EndTime": 1},
    ),
    ("cloudwatch", "list_dashboards", {}),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m"}]}),
    ("ecr", "describe_repositories", {}),
    ("iam", "create_user", {"UserName": "mallory"}),
    ("iam", "list_roles", {}),
    ("kms", "list_keys", {}),
    ("logs", "describe_log_groups", {}),
    (
        "logs",
        "start_query",
        {"logGroupName": "g", "startTime": 0, "endTime": 1, "queryString": "fields @message"},
    ),
    ("resourcegroupstaggingapi", "get_resources", {}),
    ("s3", "list_buckets", {}),
    ("s3", "create_bucket", {"Bucket": "mallory"}),
    ("sagemaker", "list_models", {}),
    ("sns", "list_topics", {}),
    ("ssm", "describe_parameters", {}),
    ("ssm", "put_parameter", {"Name": "p", "Value": "v", "Type": "String"}),
    (
        "sts",
        "assume_role",
        {"RoleArn": "arn:aws:iam::123456789012:role/other", "RoleSessionName": "me"},
    ),
]


@pytest.fixture(scope="module")
def powerless(localaws: LocalAws) -> boto3.Session:
    """A session of a role without any policy."""
    iam = localaws.session().client("iam")
    role = iam.create_role(RoleName="powerless", AssumeRolePolicyDocument=TRUST_ACCOUNT)["Role"]
    return localaws.session_as(role["Arn"])


@pytest.mark.parametrize(
    ("service", "operation", "request_"), CALLS, ids=[f"{c[0]}-{c[1]}" for c in CALLS]
)
def test_a_role_without_permissions_may_do_nothing(
    powerless: boto3.Session, service: str, operation: str, request_: dict[str, Any]
) -> None:
    client: Any = powerless.client(service)  # type: ignore[call-overload]
    with pytest.raises(ClientError) as denial:
        getattr(client, operation)(**request_)
    code = denial.value.response["Error"]["Code"]
    assert code in ("AccessDenied", "AccessDeniedException", "AuthorizationError")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/health"),
        ("GET", "/_localstack/info"),
        ("GET", "/v2/"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("GET", "/oauth2/authorize"),
        ("PUT", "/bucket"),
    ],
)
def test_an_unsigned_request_gets_nowhere(localaws: LocalAws, method: str, path: str) -> None:
    request = urllib.request.Request(localaws.endpoint_url + path, method=method, data=b"")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    assert refusal.value.status in (400, 403, 404)


@pytest.mark.parametrize("key", ["test", "000000000000", "123456789012", "AKIAIOSFODNN7EXAMPLE"])
def test_no_key_is_taken_on_trust(localaws: LocalAws, key: str) -> None:
    session = localaws.session(key, "test")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        session.client("sts").get_caller_identity()


def test_the_version_of_a_policy_that_counts_can_be_another(localaws: LocalAws) -> None:
    iam = localaws.session().client("iam")
    role = iam.create_role(RoleName="versioned", AssumeRolePolicyDocument=TRUST_ACCOUNT)["Role"]
    texts = [
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
            }
        )
        for action in ("s3:ListAllMyBuckets", "sns:ListTopics")
    ]
    arn = iam.create_policy(PolicyName="versioned", PolicyDocument=texts[0])["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=texts[1])
    iam.attach_role_policy(RoleName="versioned", PolicyArn=arn)
    session = localaws.session_as(role["Arn"])
    assert session.client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200

    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")

    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    assert session.client("sns").list_topics()["ResponseMetadata"]["HTTPStatusCode"] == 200
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("s3").list_buckets()
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.set_default_policy_version(PolicyArn=arn, VersionId="v9")
    with pytest.raises(ClientError, match="is not authorized to perform: iam:SetDefault"):
        session.client("iam").set_default_policy_version(PolicyArn=arn, VersionId="v1")
