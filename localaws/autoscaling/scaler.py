"""How many instances a scaling policy wants."""

import logging
import math
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from localaws.autoscaling.activities import Activities
from localaws.autoscaling.targets import POLICY, TARGET, target_name
from localaws.backend import AlarmInvocation, Scope
from localaws.errors import AwsError
from localaws.sagemaker.endpoints import Endpoints
from localaws.sagemaker.resources import now
from localaws.sagemaker.store import ResourceStore

Configuration = Mapping[str, Any]


def tracking_capacity(current: int, value: float, target: float) -> int:
    """The instances over which a metric per instance would be at its target.

    AWS says that it scales out in proportion to the metric, not by which formula:
    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
    """
    return math.ceil(current * value / target)


def step_capacity(current: int, breach: float, configuration: Configuration) -> int:
    """The instances after the step for a metric that is ``breach`` above its alarm's threshold.

    ``configuration`` is a StepScalingPolicyConfiguration; without a step for this breach the
    capacity stays. https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
    """
    adjustment = _adjustment(breach, configuration.get("StepAdjustments", []))
    if adjustment is None:
        return current
    match configuration.get("AdjustmentType", "ChangeInCapacity"):
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            return current + _percent_change(current, adjustment, configuration)
        case _:
            return current + adjustment


def _adjustment(breach: float, steps: list[dict[str, Any]]) -> int | None:
    """A bound that is not given is infinite; the one nearer to the threshold is inclusive."""
    for step in steps:
        lower = step.get("MetricIntervalLowerBound", -math.inf)
        upper = step.get("MetricIntervalUpperBound", math.inf)
        inside = lower <= breach < upper if breach >= 0 else lower < breach <= upper
        if inside:
            return int(step["ScalingAdjustment"])
    return None


def _percent_change(current: int, percent: int, configuration: Configuration) -> int:
    """Rounded toward zero, but to 1 at least."""
    exact = current * percent / 100
    at_least = max(1, configuration.get("MinAdjustmentMagnitude", 1))
    size = max(at_least, math.floor(abs(exact)))
    return int(math.copysign(size, exact)) if percent else 0


DEFAULT_COOLDOWN_SECONDS = 300
"""Of endpoint variants: API_TargetTrackingScalingPolicyConfiguration."""

logger = logging.getLogger(__name__)

Resource = Mapping[str, Any]


class Scaler:
    """Changes instance counts, one after the other, in the background."""

    def __init__(self, store: ResourceStore, endpoints: Endpoints, activities: Activities) -> None:
        self._store = store
        self._endpoints = endpoints
        self._activities = activities
        self._thread = ThreadPoolExecutor(1, "scaling")

    def start(self) -> None:
        """Take up what an earlier run left."""
        self._activities.fail_unfinished("localaws stopped before the change was fulfilled.")

    def stop(self) -> None:
        """Wait for a change that is under way."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def invoke(self, invocation: AlarmInvocation) -> "Future[None]":
        """Carry out the policy that an alarm asks for; the future ends when that is done."""
        return self._thread.submit(self._carry_out, invocation)

    def set_bounds(
        self, scope: Scope, name: str, bounds: Mapping[str, int], *, cause: str
    ) -> "Future[None]":
        """Give a target other bounds, and bring its instances between them."""
        return self._thread.submit(self._set_bounds, scope, name, bounds, cause)

    def _set_bounds(self, scope: Scope, name: str, bounds: Mapping[str, int], cause: str) -> None:
        known = self._store.get(TARGET, scope, name)
        if known is None:
            return
        target = {**known, **bounds}
        least, most = target["MinCapacity"], target["MaxCapacity"]
        text = f"min capacity to {least} and max capacity to {most}"
        activity = self._activities.begin(
            scope, target, 0, Description=f"Setting {text}", Cause=cause
        )
        if least > most:
            message = f"Failed to set {text}. Reason: the minimum is above the maximum"
            self._activities.end(scope, activity, "Failed", message)
            return
        self._store.put(TARGET, scope, name, target)
        self._activities.end(scope, activity, "Successful", f"Successfully set {text}")
        current = self._instances(scope, target)
        if current is not None and not least <= current <= most:
            bound = f"minimum capacity was set to {least}"
            if current > most:
                bound = f"maximum capacity was set to {most}"
            self._change(scope, target, current, min(max(current, least), most), cause=bound)

    def _carry_out(self, invocation: AlarmInvocation) -> None:
        try:
            self._scale(invocation)
        except Exception:
            logger.exception("alarm %s could not scale", invocation.alarm_name)

    def _scale(self, invocation: AlarmInvocation) -> None:
        scope = invocation.scope
        policy = self._policy(scope, invocation.action)
        target = policy and self._store.get(TARGET, scope, target_name(dict(policy)))
        if not policy or not target:
            return
        current = self._instances(scope, target)
        if current is None:
            return
        wanted = wanted_capacity(policy, invocation, current)
        desired = min(max(wanted, target["MinCapacity"]), target["MaxCapacity"])
        if desired == current or self._is_held(scope, policy, target, desired > current):
            return
        self._change(scope, target, current, desired, cause=_cause(invocation, policy))

    def _policy(self, scope: Scope, policy_arn: str) -> Resource | None:
        policies = self._store.list(POLICY, scope)
        return next((policy for policy in policies if policy["PolicyARN"] == policy_arn), None)

    def _instances(self, scope: Scope, target: Resource) -> int | None:
        """The desired instances of a variant; None while it is being changed, or gone."""
        _, endpoint_name, _, variant_name = target["ResourceId"].split("/")
        try:
            record = self._endpoints.find(scope, endpoint_name)
        except AwsError:
            return None
        if record["EndpointStatus"] != "InService":
            return None
        counts = {
            variant["VariantName"]: int(variant["DesiredInstanceCount"])
            for variant in record["ProductionVariants"]
        }
        return counts.get(variant_name)

    def _is_held(self, scope: Scope, policy: Resource, target: Resource, outward: bool) -> bool:
        """Whether scaling is suspended, or a cooldown is not over.

        A scale-out does not wait for the cooldown of a scale-in.
        """
        direction = "Out" if outward else "In"
        if target["SuspendedState"].get(f"DynamicScaling{direction}Suspended"):
            return True
        last = self._activities.last_end(scope, target, outward=True if outward else None)
        return now() < last + _cooldown(policy, direction)

    def _change(
        self, scope: Scope, target: Resource, current: int, desired: int, *, cause: str
    ) -> None:
        _, endpoint_name, _, variant_name = target["ResourceId"].split("/")
        activity = self._activities.begin(
            scope,
            target,
            desired - current,
            Description=f"Setting desired instance count to {desired}.",
            Cause=cause,
        )
        try:
            self._endpoints.set_instance_count(scope, endpoint_name, variant_name, desired)
        except AwsError as error:
            message = f"Failed to set desired instance count to {desired}. Reason: {error.message}"
            self._activities.end(scope, activity, "Failed", message)
            return
        message = (
            f"Successfully set desired instance count to {desired}. "
            "Change successfully fulfilled by sagemaker."
        )
        self._activities.end(scope, activity, "Successful", message)


def wanted_capacity(policy: Resource, invocation: AlarmInvocation, current: int) -> int:
    """What a policy makes of an alarm, before the target's limits."""
    if policy["PolicyType"] == "TargetTrackingScaling":
        configuration = policy["TargetTrackingScalingPolicyConfiguration"]
        return tracking_capacity(current, invocation.value, configuration["TargetValue"])
    configuration = policy.get("StepScalingPolicyConfiguration", {})
    return step_capacity(current, invocation.value - invocation.threshold, configuration)


def _cooldown(policy: Resource, direction: str) -> float:
    if policy["PolicyType"] == "TargetTrackingScaling":
        configuration = policy["TargetTrackingScalingPolicyConfiguration"]
        return float(configuration.get(f"Scale{direction}Cooldown", DEFAULT_COOLDOWN_SECONDS))
    configuration = policy.get("StepScalingPolicyConfiguration", {})
    return float(configuration.get("Cooldown", DEFAULT_COOLDOWN_SECONDS))


def _cause(invocation: AlarmInvocation, policy: Resource) -> str:
    return (
        f"monitor alarm {invocation.alarm_name} in state ALARM triggered policy "
        f"{policy['PolicyName']}"
    )
