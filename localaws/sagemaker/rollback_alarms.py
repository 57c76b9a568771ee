"""The alarms of a DeploymentConfig that take an update of an endpoint back.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
"""

from collections.abc import Mapping
from typing import Any

from localaws.backend import Backend
from localaws.hosting.specification import EndpointSpecification

DeploymentConfig = Mapping[str, Any]


class RollbackAlarms:
    """Looks at alarms as the execution roles of an endpoint's variants may."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def fault(
        self, specification: EndpointSpecification, config: DeploymentConfig | None
    ) -> str | None:
        """What those of the alarms say that are in ALARM; None when none is.

        Raises
        ------
        AwsError
            When an execution role may not see them.
        """
        names = alarm_names(config or {})
        for role_arn in sorted({variant.execution_role_arn for variant in specification.variants}):
            states = self._backend.alarm_states(specification.scope, names, role_arn)
            if off := [name for name, state in states.items() if state == "ALARM"]:
                return f"The update was rolled back: CloudWatch alarms in ALARM: {', '.join(off)}."
        return None


def alarm_names(config: DeploymentConfig) -> list[str]:
    """The names of the alarms."""
    rollback = config.get("AutoRollbackConfiguration") or {}
    return [alarm["AlarmName"] for alarm in rollback.get("Alarms", ())]


def baking_seconds(config: DeploymentConfig) -> float:
    """How long AWS watches them after traffic shifted, before the old instances end."""
    update = config.get("BlueGreenUpdatePolicy") or config.get("RollingUpdatePolicy") or {}
    routing = update.get("TrafficRoutingConfiguration") or update
    return float(routing.get("WaitIntervalInSeconds", 0))
