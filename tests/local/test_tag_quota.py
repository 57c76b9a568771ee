"""Fifty tags a resource, however many calls they come in."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.stacks import TRUST_SAGEMAKER

ACCOUNT = "123456789012"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        },
    }
)
Tag = Callable[[dict[str, str]], Any]


def pairs(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in tags.items()]


def _role(session: Any) -> str:
    iam = session.client("iam")
    try:
        made = iam.create_role(RoleName="tagged-function", AssumeRolePolicyDocument=TRUST)
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName="tagged-function")
    return str(made["Role"]["Arn"])


def _cloudwatch(session: Any) -> Tag:
    client = session.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="tagged", Namespace="N", MetricName="m", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:tagged"
    return lambda tags: client.tag_resource(ResourceARN=arn, Tags=pairs(tags))


def _dynamodb(session: Any) -> Tag:
    client = session.client("dynamodb")
    table = client.create_table(
        TableName="tagged", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
    )  # fmt: skip
    arn = table["TableDescription"]["TableArn"]
    return lambda tags: client.tag_resource(ResourceArn=arn, Tags=pairs(tags))


def _events(session: Any) -> Tag:
    client = session.client("events")
    arn = client.put_rule(Name="tagged", ScheduleExpression="rate(1 day)", State="DISABLED")
    return lambda tags: client.tag_resource(ResourceARN=arn["RuleArn"], Tags=pairs(tags))


def _iam(session: Any) -> Tag:
    client = session.client("iam")
    client.create_role(RoleName="tagged", AssumeRolePolicyDocument=json.dumps(TRUST_SAGEMAKER))
    return lambda tags: client.tag_role(RoleName="tagged", Tags=pairs(tags))


def _kms(session: Any) -> Tag:
    client = session.client("kms")
    key = client.create_key()["KeyMetadata"]["KeyId"]
    return lambda tags: client.tag_resource(KeyId=key, Tags=pairs(tags, "TagKey", "TagValue"))


def _lambda(session: Any) -> Tag:
    client = session.client("lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("i.py", "def h(e, c): return 1")
    arn = client.create_function(
        FunctionName="tagged", Runtime="python3.12", Role=_role(session), Handler="i.h",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]  # fmt: skip
    return lambda tags: client.tag_resource(Resource=arn, Tags=tags)


def _logs(session: Any) -> Tag:
    client = session.client("logs")
    client.create_log_group(logGroupName="tagged")
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:tagged"
    return lambda tags: client.tag_resource(resourceArn=arn, tags=tags)


def _sns(session: Any) -> Tag:
    client = session.client("sns")
    arn = client.create_topic(Name="tagged")["TopicArn"]
    return lambda tags: client.tag_resource(ResourceArn=arn, Tags=pairs(tags))


def _ssm(session: Any) -> Tag:
    client = session.client("ssm")
    client.put_parameter(Name="/tagged", Value="1", Type="String")
    return lambda tags: client.add_tags_to_resource(
        ResourceType="Parameter", ResourceId="/tagged", Tags=pairs(tags)
    )


def _states(session: Any) -> Tag:
    client = session.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    arn = client.create_state_machine(name="tagged", roleArn=_role(session), definition=definition)[
        "stateMachineArn"
    ]
    return lambda tags: client.tag_resource(resourceArn=arn, tags=pairs(tags, "key", "value"))


SERVICES = [
    _cloudwatch, _dynamodb, _events, _iam, _kms, _lambda, _logs, _sns, _ssm, _states
]  # fmt: skip


@pytest.mark.parametrize("make", SERVICES, ids=lambda make: make.__name__[1:])
def test_the_fifty_first_tag_is_refused_in_a_second_call(
    localaws: LocalAws, make: Callable[[Any], Tag]
) -> None:
    tag = make(localaws.session())
    tag({str(number): "v" for number in range(30)})
    tag({str(number): "w" for number in range(20, 50)})
    with pytest.raises(ClientError, match="51 tags"):
        tag({"one more": "v"})
    tag({"0": "changed"})
