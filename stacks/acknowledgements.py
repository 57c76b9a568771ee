"""What cdk-nag finds in the stacks, and why it may stay.

cdk-nag has one finding for every wildcard and matches acknowledgements to the letter, so each one
names its resource.
"""

import json
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

MODEL_STORE_ARN_OUTPUT = "PublishOutputFnGetAttModelStoreBucket9405F36EArn7F012CC9"
"""The output that the CDK makes for other stacks; it changes with the bucket's logical id."""
NO_RESOURCES = "ecr:GetAuthorizationToken and cloudwatch:PutMetricData know no resources"
ONE_PREFIX = "One prefix of the model store: objects come and go without a deployment"
OWN_LOGS = "The log groups of one kind of SageMaker job, whose streams SageMaker names"


def acknowledge_wildcards(role: iam.IRole, reasons: Mapping[str, str]) -> None:
    """Let ``role`` have the resources with wildcards that ``reasons`` gives a reason for."""
    stack = cdk.Stack.of(role)
    for resource, reason in reasons.items():
        name = _as_cdk_nag_writes_it(stack.resolve(resource))
        cdk.Validations.of(role).acknowledge(
            cdk.Acknowledgment(
                id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{name}]", reason=reason
            )
        )


def value_of_other_stack(stack: cdk.Stack, stack_name: str, output: str) -> str:
    """How cdk-nag writes in ``stack`` a value that another publishes as ``output``."""
    region = stack.resolve(stack.region)
    reference = {"StackName": stack_name, "Region": region, "OutputName": output}
    return json.dumps({"Fn::GetStackOutput": reference}, separators=(",", ":"))


def log_group_wildcard(stack: cdk.Stack, name: str) -> str:
    """The ARN of all log groups whose names start with ``name``."""
    return stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"{name}*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


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
