"""What SageMaker needs of the AWS services beneath it, as interfaces.

``ministack`` implements them; ``sagemaker``, ``hosting`` and ``jobs`` see nothing else of
those services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Scope:
    """The account and region that a request or resource belongs to."""

    account_id: str
    region: str


@dataclass(frozen=True)
class ObjectSummary:
    """One row of an S3 listing; ``size`` in bytes."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True)
class MetricValues:
    """Values of one CloudWatch metric within one period, summed up.

    ``timestamp`` in seconds since the epoch; ``values`` and ``counts`` run in parallel, as in
    PutMetricData.
    """

    name: str
    dimensions: Mapping[str, str]
    unit: str
    timestamp: float
    values: Sequence[float]
    counts: Sequence[float]


@dataclass(frozen=True)
class MetricAlarm:
    """An alarm on one metric, as in PutMetricAlarm; ``actions`` are ARNs."""

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    period_seconds: int
    evaluation_periods: int
    comparison: str
    threshold: float
    actions: Sequence[str]


@dataclass(frozen=True)
class AlarmInvocation:
    """An alarm in state ALARM asks for one of its actions.

    ``action`` is the ARN of a scaling policy, ``value`` the metric's latest datapoint.
    """

    scope: Scope
    action: str
    alarm_name: str
    threshold: float
    value: float


class ObjectStore(Protocol):
    """S3 as one role sees it.

    Every call is authorized with the role's policies, decryption with KMS included. A refusal is an
    ``AwsError`` with code ``AccessDenied`` (403); a missing object ``NoSuchKey`` (404).
    """

    def list_objects(self, bucket: str, prefix: str) -> list[ObjectSummary]: ...

    def get_object(self, bucket: str, key: str) -> bytes: ...

    def put_object(self, bucket: str, key: str, body: bytes, same: Path | None = None) -> None:
        """Write an object; ``same`` is a file of these bytes that nobody changes any more."""
        ...


class ServiceStore(Protocol):
    """One bucket as an AWS service may use it, by the policies of the bucket and its key.

    Refusals are errors as those of ``ObjectStore``; a bucket that is missing is ``NoSuchBucket``.
    """

    def check(self, folder: str) -> None:
        """Raise ``AwsError`` where ``put_object`` of a key in the folder would."""
        ...

    def put_object(self, key: str, body: bytes) -> None: ...


class Backend(Protocol):
    """The services beneath SageMaker."""

    def object_store_as(self, role_arn: str) -> ObjectStore:
        """S3 with the permissions of a role.

        Raises
        ------
        AwsError
            When the role does not exist or its trust policy does not let
            ``sagemaker.amazonaws.com`` assume it.
        """
        ...

    def bucket_for_service(
        self, scope: Scope, service: str, bucket: str, source_arn: str
    ) -> ServiceStore:
        """A bucket as a service may use it on behalf of the resource ``source_arn``."""
        ...

    def put_metrics(self, scope: Scope, namespace: str, metrics: Sequence[MetricValues]) -> None:
        """Add values to CloudWatch."""
        ...

    def put_alarm(self, scope: Scope, alarm: MetricAlarm) -> str:
        """Create an alarm, or replace the one of its name; its ARN."""
        ...

    def alarm_exists(self, scope: Scope, name: str) -> bool:
        """Whether there is an alarm of this name."""
        ...

    def key_exists(self, scope: Scope, key_id: str) -> bool:
        """Whether there is a KMS key of this id, ARN or alias."""
        ...

    def delete_alarm(self, scope: Scope, name: str) -> None:
        """Delete an alarm, if it is there."""
        ...

    def alarm_states(self, scope: Scope, names: Sequence[str], role_arn: str) -> Mapping[str, str]:
        """The states of the alarms of these names that exist, as a role may see them.

        Raises
        ------
        AwsError
            When the role may not.
        """
        ...

    def next_of_cron(self, expression: str, after: datetime) -> datetime | None:
        """The first time of a ``cron(...)`` expression after another, in the zone of that.

        Raises
        ------
        ValueError
            It is none.
        """
        ...

    def put_log_lines(
        self,
        scope: Scope,
        group: str,
        stream: str,
        lines: Sequence[tuple[float, str]],
        role_arn: str | None = None,
    ) -> None:
        """Append (seconds since the epoch, text) lines; makes group and stream when missing.

        With ``role_arn`` only as far as that role may; the rest is lost, as on AWS.
        """
        ...
