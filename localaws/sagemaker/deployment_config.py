"""What a DeploymentConfig may ask, beyond the rules of the service model.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeploymentConfig.html
"""

from collections.abc import Iterator
from typing import Any

from localaws.backend import Backend, Scope
from localaws.hosting.specification import EndpointSpecification
from localaws.sagemaker.resources import Request, validation_exception

SIZES = {
    "CANARY": ("CanarySize", 1, 50),
    "LINEAR": ("LinearStepSize", 10, 50),
    "ALL_AT_ONCE": (None, 0, 0),
}
"""The member that a type of traffic routing needs, and its bounds in per cent of the fleet."""


def check_deployment_config(
    scope: Scope, request: Request, specification: EndpointSpecification, backend: Backend
) -> None:
    """Refuse a deployment that SageMaker would not begin.

    Raises
    ------
    AwsError
    """
    config = request.get("DeploymentConfig")
    if config is None:
        return
    policies = [p for p in ("BlueGreenUpdatePolicy", "RollingUpdatePolicy") if p in config]
    if len(policies) > 1:
        raise validation_exception(
            "DeploymentConfig has BlueGreenUpdatePolicy and RollingUpdatePolicy; one is allowed."
        )
    instances = min(variant.instance_count for variant in specification.variants)
    problems = [
        *_blue_green_problems(config.get("BlueGreenUpdatePolicy"), instances),
        *_rolling_problems(config.get("RollingUpdatePolicy"), instances),
    ]
    for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", ()):
        if not backend.alarm_exists(scope, alarm["AlarmName"]):
            problems.append(f"AutoRollbackConfiguration: no alarm {alarm['AlarmName']} exists")
    if problems:
        raise validation_exception(f"Invalid DeploymentConfig: {'; '.join(problems)}.")


def _blue_green_problems(policy: dict[str, Any] | None, instances: int) -> Iterator[str]:
    if policy is None:
        return
    routing = policy["TrafficRoutingConfiguration"]
    kind = routing["Type"]
    needed, least, most = SIZES[kind]
    for member in ("CanarySize", "LinearStepSize"):
        if member in routing and member != needed:
            yield f"{member} is not for traffic routing {kind}"
    if needed is not None:
        if needed not in routing:
            yield f"{needed} is needed for traffic routing {kind}"
        else:
            yield from _size_problems(needed, routing[needed], instances, least, most)
    longest = policy.get("MaximumExecutionTimeoutInSeconds")
    waits = routing["WaitIntervalInSeconds"] + policy.get("TerminationWaitInSeconds", 0)
    if longest is not None and longest <= waits:
        yield (
            f"MaximumExecutionTimeoutInSeconds {longest} is not above the {waits} s of"
            " WaitIntervalInSeconds and TerminationWaitInSeconds"
        )


def _rolling_problems(policy: dict[str, Any] | None, instances: int) -> Iterator[str]:
    if policy is None:
        return
    yield from _size_problems("MaximumBatchSize", policy["MaximumBatchSize"], instances, 5, 50)
    if "RollbackMaximumBatchSize" in policy:
        size = policy["RollbackMaximumBatchSize"]
        yield from _size_problems("RollbackMaximumBatchSize", size, instances, 5, 100)


def _size_problems(
    name: str, size: dict[str, Any], instances: int, least: int, most: int
) -> Iterator[str]:
    value = size["Value"]
    if size["Type"] == "CAPACITY_PERCENT":
        if not least <= value <= most:
            yield f"{name} is {value} per cent of the fleet; allowed: {least} to {most}"
    elif value > max(1, instances * most // 100):
        yield f"{name} is {value} of {instances} instances; at most {most} per cent are allowed"
