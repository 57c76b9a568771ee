"""Mutated templates through a real server: each ends, and with a reason in no words of Python's."""

import copy
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localaws.testing import LocalAws, start_localaws

ENDS_WITHIN_SECONDS = 60
TEMPLATES: tuple[dict[str, Any], ...] = (
    {
        "Parameters": {"P": {"Type": "String", "Default": "x", "AllowedPattern": "x+"}},
        "Conditions": {"C": {"Fn::Equals": [{"Ref": "P"}, "x"]}},
        "Resources": {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Condition": "C",
                "Properties": {
                    "VersioningConfiguration": {"Status": "Enabled"},
                    "LifecycleConfiguration": {
                        "Rules": [{"Status": "Enabled", "ExpirationInDays": 1, "Prefix": "p"}]
                    },
                    "Tags": [{"Key": "a", "Value": {"Fn::Sub": "${P}-${AWS::Region}"}}],
                },
            },
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "DependsOn": ["Bucket"],
                "Properties": {"Type": "String", "Value": {"Fn::Join": ["-", ["a", "b"]]}},
            },
        },
        "Outputs": {"O": {"Value": {"Fn::GetAtt": ["Bucket", "Arn"]}}},
    },
    {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "sagemaker.amazonaws.com"},
                                "Action": "sts:AssumeRole",
                            }
                        ],
                    },
                    "Policies": [
                        {
                            "PolicyName": "p",
                            "PolicyDocument": {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
                                ],
                            },
                        }
                    ],
                },
            },
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "d"}},
            "Alarm": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "Namespace": "N",
                    "MetricName": "M",
                    "Statistic": "Sum",
                    "Period": 60,
                    "EvaluationPeriods": 1,
                    "Threshold": 1,
                    "ComparisonOperator": "GreaterThanThreshold",
                    "AlarmActions": [{"Ref": "Topic"}],
                },
            },
            "Group": {
                "Type": "AWS::Logs::LogGroup",
                "DeletionPolicy": "Delete",
                "Properties": {"RetentionInDays": 7},
            },
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"Description": "k"}},
        },
    },
    {
        "Resources": {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {"ScheduleExpression": "rate(1 day)", "State": "DISABLED"},
            },
        },
    },
)
VALUES: tuple[Any, ...] = (
    None, 1.5, -1, True, "", "x", "x" * 3000, [], {}, [None], [[]], {"a": None}, {"Ref": "Nothing"},
    {"Ref": 1}, {"Fn::GetAtt": "Bucket"}, {"Fn::GetAtt": ["Nothing", "Arn"]}, {"Fn::Sub": "${"},
    {"Fn::Sub": ["${a}", {}]}, {"Fn::Join": []}, {"Fn::Join": [1, 2]}, {"Fn::Select": [9, ["a"]]},
    {"Fn::Select": ["x", ["a"]]}, {"Fn::If": ["Nothing", 1, 2]}, {"Fn::FindInMap": ["a", "b", "c"]},
    {"Fn::Split": [",", 1]}, {"Fn::Base64": {}}, {"Fn::ImportValue": "nothing"}, {"Fn::Nothing": 1},
    {"Ref": "AWS::NoValue"}, "{{resolve:ssm:/nothing}}", "arn:aws:x", 10**30, "\x00", "é🎉",
)  # fmt: skip
_OF_PYTHON = re.compile(
    r"object has no attribute|NoneType|Traceback|\w+Error[(:]|indices must be|unhashable|"
    r"not iterable|not subscriptable|expected str|<class |argument of type|unsupported operand|"
    r"takes \d+ positional|invalid literal|could not convert|unexpected keyword|must be str",
)


def templates(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Templates, each with one or two places changed, doubled or left out."""
    draw = random.Random(seed)
    for _ in range(count):
        template = copy.deepcopy(draw.choice(TEMPLATES))
        for _ in range(draw.randint(1, 2)):
            places = list(_places(template))
            if not places:
                break
            holder, key = draw.choice(places)
            if draw.random() < 0.2 and isinstance(holder, dict):
                del holder[key]
            elif draw.random() < 0.2 and isinstance(holder, dict):
                holder[draw.choice(("Colour", "Fn::If", "Ref", "1", ""))] = holder[key]
            else:
                holder[key] = copy.deepcopy(draw.choice(VALUES))
        yield template


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in list(items):
        yield value, key
        if isinstance(member, dict | list):
            yield from _places(member)


def stacks(directory: Path, count: int, seed: int = 0) -> list[str]:
    """What went wrong with so many mutated templates; prints how they ended."""
    aws = start_localaws(directory)
    try:
        client: Any = aws.session().client("cloudformation")
        ended: Counter[str] = Counter()
        faults = []
        for number, template in enumerate(templates(count, seed)):
            status, reasons = _ended(client, f"mutated-{number}", json.dumps(template))
            ended[status] += 1
            foreign = [reason for reason in reasons if _OF_PYTHON.search(reason)]
            if foreign or status.endswith(("IN_PROGRESS", "500", "InternalFailure")):
                faults.append(f"{number}: {status} {foreign[:1]} {json.dumps(template)[:1500]}")
        print(f"{count} templates: {dict(ended)}; {len(faults)} faults", flush=True)
        return faults + _is_alive(aws)
    finally:
        aws.stop()


def _ended(client: Any, name: str, body: str) -> tuple[str, list[str]]:
    capabilities = ["CAPABILITY_NAMED_IAM"]
    try:
        client.create_stack(StackName=name, TemplateBody=body, Capabilities=capabilities)
    except ClientError as error:
        answer = error.response
        http_status = answer["ResponseMetadata"]["HTTPStatusCode"]
        code = str(answer["Error"]["Code"])
        return (code if http_status < 500 else f"{code} 500"), [str(answer["Error"]["Message"])]
    deadline = time.monotonic() + ENDS_WITHIN_SECONDS
    status = "CREATE_IN_PROGRESS"
    while status.endswith("IN_PROGRESS") and time.monotonic() < deadline:
        time.sleep(0.1)
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        status = stack["StackStatus"]
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    client.delete_stack(StackName=name)
    return status, [event.get("ResourceStatusReason", "") for event in events]


def _is_alive(aws: LocalAws) -> list[str]:
    try:
        session: Any = aws.session()
        session.client("sts").get_caller_identity()
    except Exception as error:
        return [f"the server does not answer any more: {error!r}"]
    return []
