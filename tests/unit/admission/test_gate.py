"""What AWS refuses is refused, in its words."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from localaws.admission.account import PolicyOwner
from localaws.admission.gate import check
from localaws.admission.reading import Call
from localaws.errors import AwsError

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"


@dataclass
class FakeAccount:
    """An account with one role, one policy and one key."""

    inline: dict[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    roles: int = 1
    versions: int = 1
    session: bool = False
    records: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    account_id: str = ACCOUNT
    region: str = "us-east-1"

    def caller_arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:user/ann"

    def caller_is_session(self) -> bool:
        return self.session

    def owner(self, kind: str, name: str) -> PolicyOwner | None:
        return PolicyOwner(self.inline, self.attached) if name == "here" else None

    def record(self, kind: str, name: str) -> dict[str, Any] | None:
        return self.records.get((kind, name))

    def is_taken(self, kind: str, name: str) -> bool:
        return name.lower() == "here"

    def count(self, kind: str) -> int:
        return self.roles

    def policy_versions(self, arn: str) -> int | None:
        return self.versions if arn.endswith("/here") else None

    def access_keys(self, user: str) -> int:
        return 2

    def longest_session(self, role_arn: str) -> int | None:
        return 3600 if role_arn.endswith("/here") else None

    def may_assume(self, service: str, role_arn: str, source_arn: str | None = None) -> bool:
        return role_arn.endswith("/here")

    def principal_exists(self, arn: str) -> bool:
        return arn.endswith("/here")

    def key_exists(self, key_id: str) -> bool:
        return key_id == KEY


def statement(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: Any, **elements: Any) -> str:
    block = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **elements}
    return policy(block)


def objects(count: int) -> str:
    return policy(statement(Resource=[f"arn:aws:s3:::bucket-{i}/*" for i in range(count)]))


def bucket_policy(**elements: Any) -> str:
    return policy(statement(**{"Principal": "*", "Resource": "arn:aws:s3:::b/*", **elements}))


NOBODY = f"arn:aws:iam::{ACCOUNT}:role/none"
NOWHERE = f"arn:aws:iam::{ACCOUNT}:policy/none"
ACCOUNTS = [str(10**11 + number) for number in range(150)]
SERVICE = {"Service": "sagemaker.amazonaws.com"}
ALARM = {
    "AlarmName": "a",
    "MetricName": "m",
    "Namespace": "n",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
RULE = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}}
DATUM = {"MetricName": "m", "Value": 1.0}


def refusal(service: str, operation: str, account: FakeAccount, **parameters: Any) -> AwsError:
    with pytest.raises(AwsError) as refused:
        check(Call(service, operation, parameters), account)
    return refused.value


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "text"),
    [
        ("CreatePolicy", {"PolicyDocument": objects(250)}, "LimitExceeded", "PolicySize: 6144"),
        ("CreatePolicy", {"PolicyDocument": objects(20_000)}, "ValidationError", "131072"),
        ("CreatePolicy", {"PolicyDocument": "{}"}, "MalformedPolicyDocument", "Statement"),
        ("CreatePolicy", {"PolicyDocument": "not json"}, "MalformedPolicyDocument", "not JSON"),
        ("PutRolePolicy", {"PolicyDocument": objects(400)}, "LimitExceeded", "10240"),
        ("PutUserPolicy", {"PolicyDocument": objects(80)}, "LimitExceeded", "2048"),
        ("PutGroupPolicy", {"PolicyDocument": objects(200)}, "LimitExceeded", "5120"),
        ("CreateRole", {"AssumeRolePolicyDocument": trust(SERVICE, Resource="*")},
         "MalformedPolicyDocument", "Resource"),
        ("CreateRole", {"AssumeRolePolicyDocument": policy(statement())},
         "MalformedPolicyDocument", "Principal"),
        ("CreateRole", {"AssumeRolePolicyDocument": trust({"AWS": NOBODY})},
         "MalformedPolicyDocument", "Invalid principal in policy"),
        ("CreateRole", {"AssumeRolePolicyDocument": trust({"Service": "sagemaker"})},
         "MalformedPolicyDocument", "Invalid principal in policy"),
        ("CreateRole", {"AssumeRolePolicyDocument": trust(SERVICE, Action="s3:GetObject")},
         "MalformedPolicyDocument", "STS AssumeRole actions"),
        ("CreateRole", {"AssumeRolePolicyDocument": trust({"AWS": ACCOUNTS})},
         "LimitExceeded", "ACLSizePerRole: 2048"),
        ("AttachRolePolicy", {"PolicyArn": NOWHERE},
         "NoSuchEntity", "does not exist or is not attachable"),
        ("PutRolePermissionsBoundary", {"PermissionsBoundary": NOWHERE},
         "NoSuchEntity", "does not exist"),
        ("CreateAccessKey", {"UserName": "here"}, "LimitExceeded", "AccessKeysPerUser: 2"),
    ],
)  # fmt: skip
def test_iam(operation: str, parameters: dict[str, Any], code: str, text: str) -> None:
    kind = next((k for k in ("Role", "User", "Group") if k in operation), None)
    names = {"PolicyName": "p"} if "Policy" in operation and "Attach" not in operation else {}
    if operation.endswith("PermissionsBoundary"):
        names = {}
    if kind and operation != "CreateAccessKey":
        names[f"{kind}Name"] = "here"
    found = refusal("iam", operation, FakeAccount(), **names, **parameters)
    assert found.code == code
    assert text in found.message


def test_inline_policies_count_together() -> None:
    account = FakeAccount(inline={"first": objects(200)})
    found = refusal(
        "iam",
        "PutRolePolicy",
        account,
        RoleName="here",
        PolicyName="b",
        PolicyDocument=objects(200),
    )
    assert "Maximum policy size of 10240 bytes exceeded for role here" in found.message


def test_white_space_does_not_count() -> None:
    document = json.dumps(json.loads(objects(150)), indent=8)
    assert len(document) > 6144
    check(
        Call("iam", "CreatePolicy", {"PolicyName": "p", "PolicyDocument": document}), FakeAccount()
    )


def test_an_eleventh_policy_is_not_attached() -> None:
    account = FakeAccount(attached=tuple(f"arn:aws:iam::aws:policy/{i:020}" for i in range(10)))
    arn = f"arn:aws:iam::{ACCOUNT}:policy/here"
    found = refusal("iam", "AttachRolePolicy", account, RoleName="here", PolicyArn=arn)
    assert found.message == "Cannot exceed quota for PoliciesPerRole: 10"


@pytest.mark.parametrize(
    ("parameters", "session", "text"),
    [
        ({"DurationSeconds": 7200}, False, "exceeds the MaxSessionDuration"),
        ({"RoleSessionName": "x"}, False, "greater than or equal to 2"),
        ({"Tags": [{"Key": "City", "Value": "*"}]}, False, "regular expression pattern"),
        ({"DurationSeconds": 10}, False, "greater than or equal to 900"),
    ],
)
def test_assume_role(parameters: dict[str, Any], session: bool, text: str) -> None:
    role = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/here", "RoleSessionName": "name"}
    found = refusal("sts", "AssumeRole", FakeAccount(session=session), **(role | parameters))
    assert found.code == "ValidationError"
    assert text in found.message


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("PutBucketPolicy", {"Policy": "{}"}, "MalformedPolicy"),
        ("PutBucketPolicy", {"Policy": "x"}, "MalformedPolicy"),
        ("PutBucketPolicy", {"Policy": policy(statement())}, "MalformedPolicy"),
        ("PutBucketPolicy", {"Policy": bucket_policy(Action="s3:Nope")}, "MalformedPolicy"),
        ("PutBucketPolicy", {"Policy": bucket_policy(Action="iam:*")}, "MalformedPolicy"),
        ("PutBucketPolicy", {"Policy": bucket_policy(Resource="arn:aws:s3:::c/*")},
         "MalformedPolicy"),
        ("PutBucketPolicy",
         {"Policy": bucket_policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"})},
         "MalformedPolicy"),
        ("PutBucketLifecycleConfiguration",
         {"LifecycleConfiguration": {"Rules": [
             {**RULE, "Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}]}},
         "MalformedXML"),
        ("PutBucketLifecycleConfiguration", {"LifecycleConfiguration": {"Rules": [RULE]}},
         "InvalidRequest"),
        ("PutBucketLifecycleConfiguration",
         {"LifecycleConfiguration": {"Rules": [{**RULE, "Expiration": {"Days": 0}}]}},
         "InvalidArgument"),
        ("PutBucketLifecycleConfiguration",
         {"LifecycleConfiguration": {"Rules": [{**RULE, "Expiration": {"Days": 1}}] * 2}},
         "InvalidArgument"),
        ("PutBucketVersioning", {"VersioningConfiguration": {"Status": "On"}}, "MalformedXML"),
        ("PutBucketVersioning", {"VersioningConfiguration": {"Nope": "1"}}, "MalformedXML"),
        ("DeleteObjects", {"Delete": {"Objects": [{"Key": str(i)} for i in range(1001)]}},
         "MalformedXML"),
        ("PutObject", {"Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "none"},
         "KMS.NotFoundException"),
        ("PutObject", {"Key": "k", "ServerSideEncryption": "AES256", "SSEKMSKeyId": KEY},
         "InvalidArgument"),
        ("PutObject", {"Key": "k" * 1025}, "KeyTooLongError"),
        ("PutObjectTagging",
         {"Key": "k", "Tagging": {"TagSet": [{"Key": str(i), "Value": ""} for i in range(11)]}},
         "BadRequest"),
        ("PutBucketTagging", {"Tagging": {"TagSet": [{"Key": "a", "Value": ""}] * 2}},
         "InvalidTag"),
    ],
)  # fmt: skip
def test_s3(operation: str, parameters: dict[str, Any], code: str) -> None:
    assert refusal("s3", operation, FakeAccount(), Bucket="b", **parameters).code == code


@pytest.mark.parametrize(
    "document",
    [
        bucket_policy(),
        bucket_policy(Action="s3:Get*"),
        bucket_policy(Action="*", Resource=["arn:aws:s3:::b", "arn:aws:s3:::b/x/*"]),
        bucket_policy(Principal={"AWS": [f"arn:aws:iam::{ACCOUNT}:role/here", ACCOUNT]}),
        bucket_policy(Principal={"Service": "cloudtrail.amazonaws.com"}, Sid="with spaces"),
    ],
)
def test_a_bucket_policy_that_s3_takes(document: str) -> None:
    check(Call("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": document}), FakeAccount())


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("{}", "Statement"),
        ("x", "not JSON"),
        (policy(statement(Action="kms:*")), "Principal"),
        (policy(statement(Action="kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"})),
         "invalid principals"),
        (policy(statement(Action="kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/here"})),
         "will not allow you to update the key policy"),
        (policy(statement(Action="kms:Encrypt", Principal={"AWS": ACCOUNT})),
         "will not allow you to update the key policy"),
    ],
)  # fmt: skip
def test_a_key_policy_that_kms_does_not_take(document: str, text: str) -> None:
    for operation, names in (("PutKeyPolicy", {"KeyId": "k"}), ("CreateKey", {})):
        found = refusal("kms", operation, FakeAccount(), Policy=document, **names)
        assert found.code == "MalformedPolicyDocumentException"
        assert text in found.message


@pytest.mark.parametrize("principal", [{"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}])
def test_a_key_policy_that_leaves_it_to_iam_is_taken(principal: dict[str, str]) -> None:
    document = policy(statement(Action="kms:*", Principal=principal, Sid="Enable IAM policies"))
    check(Call("kms", "CreateKey", {"Policy": document}), FakeAccount())


def test_the_lockout_check_can_be_passed_over() -> None:
    document = policy(statement(Action="kms:Encrypt", Principal={"AWS": ACCOUNT}))
    parameters = {"Policy": document, "BypassPolicyLockoutSafetyCheck": True}
    check(Call("kms", "CreateKey", parameters), FakeAccount())


@pytest.mark.parametrize(
    "changes",
    [
        {"Period": 86400, "EvaluationPeriods": 8},
        {"Period": 60, "EvaluationPeriods": 1441},
        {"Period": 61},
        {"ExtendedStatistic": "p99"},
        {"Statistic": None},
        {"DatapointsToAlarm": 2},
        {"ComparisonOperator": "Above"},
        {"ComparisonOperator": None},
        {"Threshold": None},
        {"TreatMissingData": "maybe"},
        {"EvaluationPeriods": None},
        {"Statistic": None, "ExtendedStatistic": "average"},
        {"AlarmActions": ["topic"]},
    ],
)
def test_alarms(changes: dict[str, Any]) -> None:
    alarm = {k: v for k, v in {**ALARM, **changes}.items() if v is not None}
    refusal("cloudwatch", "PutMetricAlarm", FakeAccount(), **alarm)


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "{}", '{"widgets": 1}', '{"widgets": [{"type": "nope"}]}', '{"widgets": [1]}'],
)
def test_dashboards(body: str) -> None:
    found = refusal(
        "cloudwatch", "PutDashboard", FakeAccount(), DashboardName="d", DashboardBody=body
    )
    assert found.code == "InvalidParameterInput"


@pytest.mark.parametrize(
    ("namespace", "data"),
    [
        ("AWS/SageMaker", [DATUM]),
        ("N", [DATUM] * 1001),
        ("N", [{"MetricName": "m"}]),
        ("N", [{**DATUM, "StatisticValues": {
            "SampleCount": 1.0, "Sum": 1.0, "Minimum": 1.0, "Maximum": 1.0}}]),
        ("N", [{"MetricName": "m", "Values": [1.0], "Counts": [1.0, 2.0]}]),
        ("N", [{**DATUM, "Dimensions": [{"Name": str(i), "Value": "v"} for i in range(31)]}]),
        (":N", [DATUM]),
    ],
)  # fmt: skip
def test_metric_data(namespace: str, data: list[dict[str, Any]]) -> None:
    account = FakeAccount()
    refusal("cloudwatch", "PutMetricData", account, Namespace=namespace, MetricData=data)


@pytest.mark.parametrize(
    "changes",
    [
        {"Name": "/" + "a/" * 15 + "b"},
        {"Name": "a/b"},
        {"Value": "x" * 4097},
        {"Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]},
        {"Type": "Number"},
        {"Tier": "Gold"},
        {"Value": 1},
    ],
)
def test_parameters(changes: dict[str, Any]) -> None:
    parameter = {"Name": "/a", "Value": "1", "Type": "String", **changes}
    refusal("ssm", "PutParameter", FakeAccount(), **parameter)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("CreateLogGroup", {"logGroupName": "a b"}),
        ("CreateLogGroup", {"logGroupName": "a" * 513}),
        ("PutLogEvents", {"logEvents": []}),
        ("PutLogEvents", {"logEvents": [{"timestamp": 2, "message": "a"},
                                        {"timestamp": 1, "message": "b"}]}),
        ("PutLogEvents", {"logEvents": [{"timestamp": 1, "message": ""}]}),
        ("PutLogEvents", {"logEvents": [{"timestamp": 1, "message": "x" * 1_048_576}]}),
        ("PutLogEvents", {"logEvents": [{"timestamp": 0, "message": "a"},
                                        {"timestamp": 86_400_001, "message": "b"}]}),
    ],
)  # fmt: skip
def test_logs(operation: str, parameters: dict[str, Any]) -> None:
    names = {"logGroupName": "g"} | ({"logStreamName": "s"} if operation == "PutLogEvents" else {})
    found = refusal("logs", operation, FakeAccount(), **(names | parameters))
    assert found.code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    [
        ("iam", "TagRole", {"RoleName": "r", "Tags": [{"Key": "aws:x", "Value": ""}]},
         "InvalidInput"),
        ("s3", "CreateBucket", {"Bucket": "xn--abc"}, "InvalidBucketName"),
        ("s3", "CopyObject", {"Bucket": "b", "Key": "k", "CopySource": "b/k"}, "InvalidRequest"),
        ("s3", "CompleteMultipartUpload", {"Bucket": "b", "Key": "k", "UploadId": "u"},
         "MalformedXML"),
        ("kms", "CreateAlias", {"AliasName": "alias/aws/x", "TargetKeyId": "k"},
         "NotAuthorizedException"),
        ("kms", "GenerateDataKey", {"KeyId": "k"}, "ValidationException"),
        ("ssm", "PutParameter", {"Name": "/a b", "Value": "1", "Type": "String"},
         "ValidationException"),
        ("ssm", "PutParameter", {"Name": "/a", "Value": "x", "AllowedPattern": "^[0-9]+$"},
         "ParameterPatternMismatchException"),
        ("ssm", "PutParameter", {"Name": "/a", "Value": "x", "AllowedPattern": "("},
         "InvalidAllowedPatternException"),
        ("logs", "StartQuery", {"startTime": 2, "endTime": 1, "queryString": "fields a"},
         "InvalidParameterException"),
        ("logs", "CreateLogGroup", {"logGroupName": "g", "tags": {"aws:x": "y"}},
         "InvalidParameterException"),
        ("cloudwatch", "PutMetricData", {"Namespace": "n", "MetricData": [
            {"MetricName": "m", "Value": 1.0, "Timestamp": 0}]}, "InvalidParameterValue"),
        ("cloudwatch", "GetMetricData", {"StartTime": 0, "EndTime": 1, "MetricDataQueries": [
            {"Id": "a"}]}, "ValidationError"),
        ("sns", "CreateTopic", {"Name": "a b"}, "InvalidParameter"),
        ("sts", "AssumeRole", {"RoleArn": "a role of a name", "RoleSessionName": "ab"},
         "ValidationError"),
    ],
)  # fmt: skip
def test_forms_that_models_leave_open(
    service: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    assert refusal(service, operation, FakeAccount(), **parameters).code == code
