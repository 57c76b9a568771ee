"""The CDK's function that empties buckets before they are deleted, with logs that leave with it."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

PROVIDER = "Custom::S3AutoDeleteObjectsCustomResourceProvider"
_LOGS = "AutoDeleteObjectsLogs"


def keep_auto_delete_logs(scope: Construct) -> None:
    """Give the function of ``auto_delete_objects`` in this stack a log group of the stack's own.

    Otherwise Lambda makes the log group, which then outlives the stack and never expires; and the
    function's role has a managed policy that may make log groups. Does nothing where no bucket of
    the stack has ``auto_delete_objects``.

    Raises
    ------
    TypeError
    """
    stack = cdk.Stack.of(scope)
    provider = stack.node.try_find_child(PROVIDER)
    if provider is None or stack.node.try_find_child(_LOGS) is not None:
        return
    role, handler = (provider.node.find_child(name) for name in ("Role", "Handler"))
    if not isinstance(role, cdk.CfnResource) or not isinstance(handler, cdk.CfnResource):
        raise TypeError(f"{PROVIDER} has other children than Role and Handler")
    group = logs.LogGroup(
        stack,
        _LOGS,
        retention=logs.RetentionDays.ONE_WEEK,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    writing = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": group.log_group_arn,
    }
    role.add_property_deletion_override("ManagedPolicyArns")
    role.add_property_override(
        "Policies",
        [
            {
                "PolicyName": "WriteLogs",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [writing]},
            }
        ],
    )
    handler.add_property_override("LoggingConfig", {"LogGroup": group.log_group_name})
