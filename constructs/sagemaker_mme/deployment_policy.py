"""How an update moves the traffic of an endpoint to its new instances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker

from sagemaker_mme.problems import count_problem, seconds_problem

EXCLUSIONS = "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html"
_WAIT_SECONDS = (0, 3600)
_EXECUTION_SECONDS = (600, 28800)
_Cfn = sagemaker.CfnEndpoint


@dataclass(frozen=True)
class CapacitySize:
    """A part of an endpoint's instances."""

    type: str
    value: int

    @staticmethod
    def percent(value: int) -> CapacitySize:
        """So many of a hundred."""
        return CapacitySize("CAPACITY_PERCENT", value)

    @staticmethod
    def instances(value: int) -> CapacitySize:
        """So many."""
        return CapacitySize("INSTANCE_COUNT", value)

    def problems(self, prop: str, instances: int, low: int, high: int) -> Iterator[str]:
        """Why SageMaker would refuse it; ``low`` and ``high`` are percent of the instances."""
        if self.type == "CAPACITY_PERCENT":
            yield from count_problem(f"{prop} (in percent)", self.value, low, high)
        else:
            most = max(1, instances * high // 100)
            yield from count_problem(f"{prop} (of {instances} instances)", self.value, 1, most)

    def render(self) -> sagemaker.CfnEndpoint.CapacitySizeProperty:
        """The size as CloudFormation has it."""
        return _Cfn.CapacitySizeProperty(type=self.type, value=self.value)


@dataclass(frozen=True)
class DeploymentPolicy:
    """How an update moves traffic; make it with one of the static methods.

    With rollback alarms, an update is taken back when one goes off while it is under way.
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
    AWS's feature matrix of 2023 leaves the field of multi-model endpoints and guardrails blank,
    and the list of exclusions does not name them: try canary, linear and rolling on a stage first.
    New instances start with no model loaded, whatever the policy.
    """

    kind: str
    wait_interval: cdk.Duration
    termination_wait: cdk.Duration | None = None
    maximum_execution_timeout: cdk.Duration | None = None
    size: CapacitySize | None = None
    rollback_size: CapacitySize | None = None

    @staticmethod
    def all_at_once(
        *,
        wait_interval: cdk.Duration | None = None,
        termination_wait: cdk.Duration | None = None,
        maximum_execution_timeout: cdk.Duration | None = None,
    ) -> DeploymentPolicy:
        """Move everything, watch, then stop the old instances.

        Parameters
        ----------
        wait_interval
            How long to watch. Default: 5 minutes.
        termination_wait
            How long to keep the old instances after that. Default: 5 minutes.
        maximum_execution_timeout
            How long the update may take, 600 to 28800 s. Default: SageMaker's.
        """
        return DeploymentPolicy(
            "ALL_AT_ONCE",
            wait_interval or cdk.Duration.minutes(5),
            termination_wait or cdk.Duration.minutes(5),
            maximum_execution_timeout,
        )

    @staticmethod
    def canary(
        canary_size: CapacitySize,
        *,
        wait_interval: cdk.Duration | None = None,
        termination_wait: cdk.Duration | None = None,
        maximum_execution_timeout: cdk.Duration | None = None,
    ) -> DeploymentPolicy:
        """Move ``canary_size`` (at most half), watch, then move the rest."""
        return DeploymentPolicy(
            "CANARY",
            wait_interval or cdk.Duration.minutes(5),
            termination_wait or cdk.Duration.minutes(5),
            maximum_execution_timeout,
            canary_size,
        )

    @staticmethod
    def linear(
        linear_step_size: CapacitySize,
        *,
        wait_interval: cdk.Duration | None = None,
        termination_wait: cdk.Duration | None = None,
        maximum_execution_timeout: cdk.Duration | None = None,
    ) -> DeploymentPolicy:
        """Move ``linear_step_size`` (10 to 50 %) after the other, watching after each."""
        return DeploymentPolicy(
            "LINEAR",
            wait_interval or cdk.Duration.minutes(5),
            termination_wait or cdk.Duration.minutes(5),
            maximum_execution_timeout,
            linear_step_size,
        )

    @staticmethod
    def rolling(
        maximum_batch_size: CapacitySize,
        *,
        wait_interval: cdk.Duration | None = None,
        rollback_maximum_batch_size: CapacitySize | None = None,
        maximum_execution_timeout: cdk.Duration | None = None,
    ) -> DeploymentPolicy:
        """Replace instances in batches (5 to 50 %), so that few more are needed than run.

        Parameters
        ----------
        wait_interval
            How long to watch after each batch. Default: 5 minutes.
        rollback_maximum_batch_size
            The batches of a roll-back. Default: SageMaker's, which is everything at once.
        """
        return DeploymentPolicy(
            "ROLLING",
            wait_interval or cdk.Duration.minutes(5),
            None,
            maximum_execution_timeout,
            maximum_batch_size,
            rollback_maximum_batch_size,
        )

    def problems(self, instances: int, variants: int) -> Iterator[str]:
        """Why SageMaker would not begin such an update of so many instances and variants."""
        yield from seconds_problem("wait_interval", self.wait_interval, *_WAIT_SECONDS)
        yield from seconds_problem("termination_wait", self.termination_wait, *_WAIT_SECONDS)
        longest = self.maximum_execution_timeout
        yield from seconds_problem("maximum_execution_timeout", longest, *_EXECUTION_SECONDS)
        waits = sum(
            int(wait.to_seconds()) for wait in (self.wait_interval, self.termination_wait) if wait
        )
        if longest is not None and not longest.to_seconds() > waits:
            yield f"maximum_execution_timeout is not above the {waits} s that the policy waits"
        if self.size and self.kind == "CANARY":
            yield from self.size.problems("canary_size", instances, 1, 50)
        elif self.size and self.kind == "LINEAR":
            yield from self.size.problems("linear_step_size", instances, 10, 50)
        elif self.size and self.kind == "ROLLING":
            yield from self.size.problems("maximum_batch_size", instances, 5, 50)
            if self.rollback_size:
                yield from self.rollback_size.problems(
                    "rollback_maximum_batch_size", instances, 5, 100
                )
            if variants > 1:
                yield (
                    f"a rolling deployment is for one production variant, not {variants}:"
                    f" {EXCLUSIONS}"
                )

    def render(self, alarm_names: list[str]) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
        """The policy, with the alarms that take an update back, as CloudFormation has it."""
        rolling = self.kind == "ROLLING"
        return _Cfn.DeploymentConfigProperty(
            auto_rollback_configuration=(
                _Cfn.AutoRollbackConfigProperty(
                    alarms=[_Cfn.AlarmProperty(alarm_name=name) for name in alarm_names]
                )
                if alarm_names
                else None
            ),
            blue_green_update_policy=None if rolling else self._blue_green(),
            rolling_update_policy=self._rolling() if rolling else None,
        )

    def _blue_green(self) -> sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty:
        size = self.size.render() if self.size else None
        return _Cfn.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=_Cfn.TrafficRoutingConfigProperty(
                type=self.kind,
                wait_interval_in_seconds=self.wait_interval.to_seconds(),
                canary_size=size if self.kind == "CANARY" else None,
                linear_step_size=size if self.kind == "LINEAR" else None,
            ),
            termination_wait_in_seconds=_seconds(self.termination_wait),
            maximum_execution_timeout_in_seconds=_seconds(self.maximum_execution_timeout),
        )

    def _rolling(self) -> sagemaker.CfnEndpoint.RollingUpdatePolicyProperty | None:
        if self.size is None:
            return None
        return _Cfn.RollingUpdatePolicyProperty(
            maximum_batch_size=self.size.render(),
            wait_interval_in_seconds=self.wait_interval.to_seconds(),
            rollback_maximum_batch_size=self.rollback_size.render() if self.rollback_size else None,
            maximum_execution_timeout_in_seconds=_seconds(self.maximum_execution_timeout),
        )


def _seconds(duration: cdk.Duration | None) -> int | None:
    return None if duration is None else int(duration.to_seconds())
