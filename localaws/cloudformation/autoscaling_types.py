"""The CloudFormation resource types of Application Auto Scaling."""

from datetime import datetime
from typing import Any

from localaws.cloudformation.resource_calls import (
    Properties,
    Provisioned,
    Resource,
    Service,
    call,
    call_if_present,
)


class ScalableTargetType:
    """``AWS::ApplicationAutoScaling::ScalableTarget``; ``Ref`` is resource|dimension|namespace."""

    name: str | None = None
    tagged = False
    replacing = frozenset({"ResourceId", "ScalableDimension", "ServiceNamespace"})

    def __init__(self, autoscaling: Service) -> None:
        self._autoscaling = autoscaling

    def create(self, resource: Resource) -> Provisioned:
        """Register the target."""
        properties = dict(resource.properties)
        actions = properties.pop("ScheduledActions", ())
        # A list in templates, a map in the API.
        if tags := properties.pop("Tags", None):
            properties["Tags"] = {tag["Key"]: tag["Value"] for tag in tags}
        call(self._autoscaling, resource.scope, "RegisterScalableTarget", properties)
        target = _target(resource.properties)
        for action in actions:
            times = {
                member: datetime.fromisoformat(action[member]).timestamp()
                for member in ("StartTime", "EndTime")
                if member in action
            }
            request = {**target, **action, **times}
            call(self._autoscaling, resource.scope, "PutScheduledAction", request)
        identity = "|".join(target.values())
        return Provisioned(identity, {"Id": identity})

    def update(self, physical_id: str, old: Properties, resource: Resource) -> Provisioned:
        """Register it anew, with other capacities and actions."""
        for name in _action_names(old) - _action_names(resource.properties):
            request = {**_target_of(physical_id), "ScheduledActionName": name}
            call_if_present(self._autoscaling, resource.scope, "DeleteScheduledAction", request)
        return self.create(resource)

    def delete(self, physical_id: str, resource: Resource) -> None:
        """Deregister the target, if it is still there."""
        target = _target_of(physical_id)
        call_if_present(self._autoscaling, resource.scope, "DeregisterScalableTarget", target)


class ScalingPolicyType:
    """``AWS::ApplicationAutoScaling::ScalingPolicy``; ``Ref`` is the policy's ARN."""

    name: str | None = None
    tagged = False
    replacing = frozenset(
        {"PolicyName", "ResourceId", "ScalableDimension", "ScalingTargetId", "ServiceNamespace"}
    )

    def __init__(self, autoscaling: Service) -> None:
        self._autoscaling = autoscaling

    def create(self, resource: Resource) -> Provisioned:
        """Put the policy."""
        properties = _with_target(resource.properties)
        answer = call(self._autoscaling, resource.scope, "PutScalingPolicy", properties)
        arn = answer["PolicyARN"]
        return Provisioned(arn, {"Arn": arn})

    def update(self, physical_id: str, old: Properties, resource: Resource) -> Provisioned:
        """Put it again."""
        return self.create(resource)

    def delete(self, physical_id: str, resource: Resource) -> None:
        """Delete the policy, if its target has not taken it along."""
        properties = _with_target(resource.properties)
        request = {**_target(properties), "PolicyName": properties["PolicyName"]}
        call_if_present(self._autoscaling, resource.scope, "DeleteScalingPolicy", request)


def _target(properties: Properties) -> dict[str, str]:
    return {
        member: properties[member]
        for member in ("ResourceId", "ScalableDimension", "ServiceNamespace")
    }


def _target_of(identity: str) -> dict[str, str]:
    resource_id, dimension, namespace = identity.split("|")
    return {
        "ResourceId": resource_id,
        "ScalableDimension": dimension,
        "ServiceNamespace": namespace,
    }


def _action_names(properties: Properties) -> set[str]:
    return {action["ScheduledActionName"] for action in properties.get("ScheduledActions") or ()}


def _with_target(properties: Properties) -> dict[str, Any]:
    """The policy's properties with the target that ScalingTargetId stands for."""
    spelled = dict(properties)
    identity = spelled.pop("ScalingTargetId", None)
    return spelled if identity is None else {**spelled, **_target_of(identity)}
