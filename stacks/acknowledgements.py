"""What cdk-nag finds in the stacks, and why it may stay.

cdk-nag has one finding for every wildcard and matches acknowledgements to the letter, so each one
names its resource.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

CROSS_STACK_REFERENCES = "@aws-cdk/core:defaultCrossStackReferences"
NO_RESOURCES = "ecr:GetAuthorizationToken and cloudwatch:PutMetricData know no resources"
ONE_PREFIX = "One prefix of the model store: objects come and go without a deployment"
OWN_LOGS = "The log groups of one kind of SageMaker job, whose streams SageMaker names"


def acknowledge_wildcards(role: iam.IRole, reasons: Mapping[str, str]) -> None:
    """Let ``role`` have the resources with wildcards that ``reasons`` gives a reason for."""
    names = map(_as_cdk_nag_writes_it, cdk.Stack.of(role).resolve([*reasons]))
    cdk.Validations.of(role).acknowledge(
        *(
            cdk.Acknowledgment(
                id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{name}]", reason=reason
            )
            for name, reason in zip(names, reasons.values(), strict=True)
        )
    )


def arn_from_other_stack(stack: cdk.Stack, bucket: s3.IBucket) -> str:
    """How cdk-nag writes in ``stack`` the ARN of a bucket that another stack has.

    That stack publishes it under a name that the CDK makes as it makes logical ids: the path
    without its punctuation, and eight digits of its digest.
    https://docs.aws.amazon.com/cdk/v2/guide/identifiers.html
    """
    other = cdk.Stack.of(bucket)
    output = f"Output{_compact(other.resolve(bucket.bucket_arn))}"
    if stack.node.try_get_context(CROSS_STACK_REFERENCES) == "strong":
        return f"{other.stack_name}:{_logical_id(f'Exports/{output}')}"
    reference = {
        "StackName": other.stack_name,
        "Region": stack.resolve(stack.region),
        "OutputName": _logical_id(f"Publish/{output}"),
    }
    return _compact({"Fn::GetStackOutput": reference})


def _logical_id(path: str) -> str:
    digest = hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:8].upper()
    return re.sub(r"[^A-Za-z0-9]", "", path) + digest


def log_group_wildcard(stack: cdk.Stack, name: str) -> str:
    """The ARN of all log groups whose names start with ``name``."""
    return stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"{name}*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _as_cdk_nag_writes_it(value: Any) -> str:
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return f"<{logical_id}.{attribute}>"
        case {"Fn::Join": ["", parts]}:
            return "".join(map(_as_cdk_nag_writes_it, parts))
    raise ValueError(f"cdk-nag's notation of {value!r} is not known here")
