"""``AWS::CloudWatch::CompositeAlarm``, which MiniStack's CloudWatch has and its CloudFormation not.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-compositealarm.html
"""

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from localaws.cloudformation.resource_types import drawn_name
from localaws.ministack import patches

TYPE = "AWS::CloudWatch::CompositeAlarm"
NOT_HERE = ("ActionsSuppressor", "ActionsSuppressorExtensionPeriod", "ActionsSuppressorWaitPeriod")


def install() -> None:
    """Let stacks hold composite alarms; their states follow those of their alarms."""
    patches.table(provisioners, "_RESOURCE_HANDLERS")[TYPE] = {
        "create": _create,
        "update": _update,
        "delete": _delete,
    }
    patches.table(provisioners, "_REPLACING_PROPERTIES")[TYPE] = {"AlarmName"}
    patches.table(provisioners, "_CUSTOM_NAME_REPLACEMENT")[TYPE] = {"name": "AlarmName"}
    patches.table(provisioners, "_STACK_TAG_PROPERTY")[TYPE] = ("Tags", "list")


def _create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
    name = properties.get("AlarmName") or drawn_name(f"{stack_name}-{logical_id}")
    return _put(name, properties)


def _update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> Any:
    return _put(physical_id, new)


def _put(name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    if refused := [member for member in NOT_HERE if member in properties]:
        raise ValueError(f"{', '.join(refused)} of {TYPE} are not available here")
    enabled = str(properties.get("ActionsEnabled", True)).lower() == "true"
    request = {**properties, "AlarmName": name, "ActionsEnabled": enabled}
    tags = request.pop("Tags", [])  # CloudFormation's own among them, which nobody else may set
    status, _, body = cloudwatch._put_composite_alarm({}, request, False, True)
    if status >= 400:
        raise ValueError(json.loads(body)["message"])
    cloudwatch.cloudformation_set_metric_alarm_tags(name, tags)
    arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"
    return name, {"Arn": arn}


def _delete(physical_id: str, properties: dict[str, Any]) -> None:
    cloudwatch._composite_alarms.pop(physical_id, None)
    cloudwatch.cloudformation_set_metric_alarm_tags(physical_id, [])
