"""Application Auto Scaling for endpoint variants: targets and policies, as clients see them.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
"""

import uuid
from collections.abc import Iterable
from typing import Any

from localaws.autoscaling.activities import Activities, shown
from localaws.autoscaling.alarms import tracking_alarms
from localaws.autoscaling.targets import (
    POLICY,
    SCHEDULED_ACTION,
    TARGET,
    ScalableTargetTags,
    concerns,
    described,
    page,
    policy_name,
    scheduled_action_name,
    target_name,
    target_of,
)
from localaws.backend import Backend, Scope
from localaws.errors import AwsError
from localaws.sagemaker.authorizations import Authorization
from localaws.sagemaker.dispatch import ServiceApi
from localaws.sagemaker.endpoints import Endpoints
from localaws.sagemaker.resources import (
    Request,
    ResourceFamily,
    Response,
    now,
    validation_exception,
)
from localaws.sagemaker.store import ResourceStore

SERVICE_NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
BURSTABLE = ("ml.t2.", "ml.t3.")


class ScalableTargets(ResourceFamily):
    """Register, Describe and DeregisterScalableTarget; Put, Describe and Delete of policies."""

    def __init__(
        self,
        store: ResourceStore,
        backend: Backend,
        endpoints: Endpoints,
        tags: ScalableTargetTags,
        activities: Activities,
    ) -> None:
        self._store = store
        self._backend = backend
        self._endpoints = endpoints
        self._tags = tags
        self._activities = activities

    def register_scalable_target(self, scope: Scope, request: Request) -> Response:
        known = self._store.get(TARGET, scope, target_name(request))
        if known is None:
            self._check_resource(scope, request)
        target = _defaults(scope) | (known or {}) | _without(request, "Tags")
        for member in ("MinCapacity", "MaxCapacity"):
            if member not in target:
                raise validation_exception(f"{member} is needed to register a scalable target.")
        if target["MinCapacity"] < 1:
            raise validation_exception(
                "MinCapacity must be at least 1: a variant of a real-time endpoint cannot scale to"
                " zero instances."
            )
        if target["MinCapacity"] > target["MaxCapacity"]:
            raise validation_exception("Maximum capacity cannot be less than minimum capacity")
        target["ScalableTargetARN"] = target.get("ScalableTargetARN") or _target_arn(scope)
        self._store.put(TARGET, scope, target_name(request), target)
        target_arn = target["ScalableTargetARN"]
        if request.get("Tags"):
            self._tags.tag_resource(scope, {"ResourceARN": target_arn, "Tags": request["Tags"]})
        return {"ScalableTargetARN": target_arn}

    def describe_scalable_targets(self, scope: Scope, request: Request) -> Response:
        wanted = request.get("ResourceIds")
        found = [
            target
            for target in self._store.list(TARGET, scope)
            if concerns(target, request) and (not wanted or target["ResourceId"] in wanted)
        ]
        return page("ScalableTargets", found, request)

    def deregister_scalable_target(self, scope: Scope, request: Request) -> Response:
        target = target_of(self._store, scope, request)
        self._store.delete(TARGET, scope, target_name(request))
        self._tags.forget(scope, target["ScalableTargetARN"])
        for policy in self._store.list(POLICY, scope):
            if target_name(policy) == target_name(request):
                self._delete(scope, policy)
        for action in self._store.list(SCHEDULED_ACTION, scope):
            if target_name(action) == target_name(request):
                self._store.delete(SCHEDULED_ACTION, scope, scheduled_action_name(action))
        return {}

    def put_scaling_policy(self, scope: Scope, request: Request) -> Response:
        target_of(self._store, scope, request)
        known = self._store.get(POLICY, scope, policy_name(request)) or {}
        policy = {
            "PolicyARN": _policy_arn(scope, request),
            "PolicyType": "StepScaling",
            "CreationTime": now(),
            **known,
            **request,
        }
        _check_configuration(policy)
        alarms = []
        if policy["PolicyType"] == "TargetTrackingScaling":
            alarms = tracking_alarms(policy)
        self._delete_alarms(scope, known)
        policy["Alarms"] = [
            {"AlarmName": alarm.name, "AlarmARN": self._backend.put_alarm(scope, alarm)}
            for alarm in alarms
        ]
        self._store.put(POLICY, scope, policy_name(request), policy)
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def describe_scaling_policies(self, scope: Scope, request: Request) -> Response:
        wanted = request.get("PolicyNames")
        found = [
            policy
            for policy in self._store.list(POLICY, scope)
            if concerns(policy, request)
            and (not wanted or policy["PolicyName"] in wanted)
            and request.get("ResourceId") in (None, policy["ResourceId"])
        ]
        return page("ScalingPolicies", found, request)

    def delete_scaling_policy(self, scope: Scope, request: Request) -> Response:
        policy = self._store.get(POLICY, scope, policy_name(request))
        if policy is None:
            raise AwsError(
                "ObjectNotFoundException",
                f"No scaling policy found for {described(request)}, "
                f"policy name: {request['PolicyName']}",
            )
        self._delete(scope, policy)
        return {}

    def describe_scaling_activities(self, scope: Scope, request: Request) -> Response:
        found = [
            shown(activity)
            for activity in self._activities.list(scope)
            if concerns(activity, request)
            and request.get("ResourceId") in (None, activity["ResourceId"])
        ]
        return page("ScalingActivities", found, request)

    def _delete(self, scope: Scope, policy: dict[str, Any]) -> None:
        self._store.delete(POLICY, scope, policy_name(policy))
        self._delete_alarms(scope, policy)

    def _delete_alarms(self, scope: Scope, policy: dict[str, Any]) -> None:
        for alarm in policy.get("Alarms", []):
            self._backend.delete_alarm(scope, alarm["AlarmName"])

    def _check_resource(self, scope: Scope, request: Request) -> None:
        if request["ServiceNamespace"] != SERVICE_NAMESPACE:
            raise validation_exception(
                f"Service namespace {request['ServiceNamespace']} is not available here; "
                f"available is {SERVICE_NAMESPACE}."
            )
        if request["ScalableDimension"] != DIMENSION:
            raise validation_exception(
                f"Scalable dimension {request['ScalableDimension']} is not available here; "
                f"available is {DIMENSION}."
            )
        match request["ResourceId"].split("/"):
            case ["endpoint", endpoint_name, "variant", variant_name]:
                record = self._endpoints.find(scope, endpoint_name)
            case _:
                raise validation_exception(
                    f"ResourceId must be endpoint/<endpoint name>/variant/<variant name>, not "
                    f"{request['ResourceId']}."
                )
        names = [variant["VariantName"] for variant in record.get("ProductionVariants", [])]
        if variant_name not in names:
            raise validation_exception(
                f"Endpoint {endpoint_name} has no variant {variant_name}; it has {names}."
            )
        kind = self._endpoints.instance_type_of(record, variant_name)
        if kind.startswith(BURSTABLE):
            # docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
            raise validation_exception(
                f"Variant {variant_name} runs on {kind}: automatic scaling is not supported for"
                " burstable instances such as T2."
            )


class ApplicationAutoScalingApi(ServiceApi):
    """Application Auto Scaling, for SageMaker endpoints."""

    def __init__(self, families: Iterable[ResourceFamily]) -> None:
        super().__init__("application-autoscaling", families)

    def authorizations(self, scope: Scope, operation: str, request: Request) -> list[Authorization]:
        """What the caller must be allowed to do for this request."""
        everything = f"arn:aws:application-autoscaling:{scope.region}:{scope.account_id}:*"
        named = request.get("ResourceARN")
        resource = named if isinstance(named, str) else everything
        action = f"application-autoscaling:{operation}"
        context = {
            key: request[member]
            for key, member in (
                ("application-autoscaling:service-namespace", "ServiceNamespace"),
                ("application-autoscaling:scalable-dimension", "ScalableDimension"),
            )
            if isinstance(request.get(member), str)
        }
        return [Authorization(action, resource, context)]


def _check_configuration(policy: dict[str, Any]) -> None:
    member = f"{policy['PolicyType']}PolicyConfiguration"
    if policy["PolicyType"] not in ("StepScaling", "TargetTrackingScaling"):
        raise validation_exception(
            f"Policy type {policy['PolicyType']} is not available here; available are StepScaling "
            "and TargetTrackingScaling."
        )
    if member not in policy:
        raise validation_exception(f"A policy of type {policy['PolicyType']} needs {member}.")


def _defaults(scope: Scope) -> dict[str, Any]:
    return {
        "RoleARN": (
            f"arn:aws:iam::{scope.account_id}:role/aws-service-role/"
            "sagemaker.application-autoscaling.amazonaws.com/"
            "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        ),
        "CreationTime": now(),
        "SuspendedState": {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
    }


def _target_arn(scope: Scope) -> str:
    identity = uuid.uuid4().hex
    return (
        f"arn:aws:application-autoscaling:{scope.region}:{scope.account_id}"
        f":scalable-target/{identity}"
    )


def _policy_arn(scope: Scope, request: Request) -> str:
    return (
        f"arn:aws:autoscaling:{scope.region}:{scope.account_id}:scalingPolicy:{uuid.uuid4()}"
        f":resource/{request['ServiceNamespace']}/{request['ResourceId']}"
        f":policyName/{request['PolicyName']}"
    )


def _without(request: Request, member: str) -> Request:
    return {key: value for key, value in request.items() if key != member}
