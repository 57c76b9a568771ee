"""The services beneath SageMaker, as ``localaws.backend`` describes them, on MiniStack."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, cloudwatch_logs

from localaws.authorization import Authorizer, Identity, service_may_assume
from localaws.backend import MetricAlarm, MetricValues, ObjectStore, Scope, ServiceStore
from localaws.errors import AwsError
from localaws.ministack.admission import key_exists
from localaws.ministack.cloudwatch.alarms import new_alarm
from localaws.ministack.iam.identities import MiniStackIdentities
from localaws.ministack.s3.objects import RoleObjectStore, ServiceObjectStore, service_identity

SERVICE = "sagemaker.amazonaws.com"


class MiniStackBackend:
    """Object stores of roles, metrics and logs.

    ``touched`` is called with a service's signing name after its state changed. Call the methods
    from threads other than the event loop's.
    """

    def __init__(
        self,
        identities: MiniStackIdentities,
        authorizer: Authorizer,
        region: str,
        touched: Callable[[str], None],
    ) -> None:
        self._region = region
        self._identities = identities
        self._authorizer = authorizer
        self._touched = touched
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the event loop on which MiniStack's handlers run."""
        self._loop = loop

    def object_store_as(self, role_arn: str) -> ObjectStore:
        """S3 as a role sees it; see ``Backend``.

        Raises
        ------
        RuntimeError
        """
        if self._loop is None:
            raise RuntimeError("the backend is used before the services started")
        identity = self._assume(role_arn)
        return RoleObjectStore(identity, self._region, self._authorizer, self._loop, self._touched)

    def bucket_for_service(
        self, scope: Scope, service: str, bucket: str, source_arn: str
    ) -> ServiceStore:
        """A bucket as a service may use it; see ``Backend``.

        Raises
        ------
        RuntimeError
        """
        if self._loop is None:
            raise RuntimeError("the backend is used before the services started")
        identity = service_identity(service, scope.account_id, source_arn)
        objects = RoleObjectStore(
            identity, scope.region, self._authorizer, self._loop, self._touched
        )
        return ServiceObjectStore(objects, bucket)

    def put_metrics(self, scope: Scope, namespace: str, metrics: Sequence[MetricValues]) -> None:
        """Add values to CloudWatch."""
        with request_scope(scope.account_id, scope.region):
            for metric in metrics:
                cloudwatch._store_datum(
                    namespace,
                    metric.name,
                    dict(metric.dimensions),
                    metric.timestamp,
                    metric.unit,
                    None,
                    list(metric.values),
                    list(metric.counts),
                    None,
                )

    def put_alarm(self, scope: Scope, alarm: MetricAlarm) -> str:
        """Create or replace an alarm; its ARN."""
        with request_scope(scope.account_id, scope.region):
            stored = new_alarm(scope, alarm)
            cloudwatch.cloudformation_put_metric_alarm(stored)
        self._touched("monitoring")
        return str(stored["AlarmArn"])

    def alarm_exists(self, scope: Scope, name: str) -> bool:
        """Whether there is an alarm of this name."""
        with request_scope(scope.account_id, scope.region):
            return name in cloudwatch._alarms or name in cloudwatch._composite_alarms

    def key_exists(self, scope: Scope, key_id: str) -> bool:
        """Whether there is a KMS key; see ``Backend``."""
        with request_scope(scope.account_id, scope.region):
            return key_exists(key_id)

    def delete_alarm(self, scope: Scope, name: str) -> None:
        """Delete an alarm, if it is there."""
        with request_scope(scope.account_id, scope.region):
            cloudwatch.cloudformation_delete_metric_alarm(name)
        self._touched("monitoring")

    def alarm_states(self, scope: Scope, names: Sequence[str], role_arn: str) -> Mapping[str, str]:
        """The states of alarms; see ``Backend``.

        Raises
        ------
        AwsError
        """
        identity = self._assume(role_arn)
        for name in names:
            alarm_arn = f"arn:aws:cloudwatch:{scope.region}:{scope.account_id}:alarm:{name}"
            denial = self._authorizer.denial(
                identity, "cloudwatch:DescribeAlarms", alarm_arn, {}, scope.region, None
            )
            if denial is not None:
                raise AwsError("ValidationException", denial)
        with request_scope(scope.account_id, scope.region):
            alarms = cloudwatch._alarms
            return {name: alarms[name]["StateValue"] for name in names if name in alarms}

    def next_of_cron(self, expression: str, after: datetime) -> datetime | None:
        """The first time of a ``cron(...)`` expression after another; see ``Backend``.

        Raises
        ------
        ValueError
        """
        from ministack.services import eventbridge  # it takes long to import

        fields = eventbridge._parse_cron_fields(expression)
        if fields is None:
            raise ValueError(expression)
        found: datetime | None = eventbridge._cron_next_fire(fields, after)
        return found

    def put_log_lines(
        self,
        scope: Scope,
        group: str,
        stream: str,
        lines: Sequence[tuple[float, str]],
        role_arn: str | None = None,
    ) -> None:
        """Append lines to a log stream, made when missing."""
        if role_arn is not None and not self._may_write_logs(scope, group, role_arn):
            return
        events = [{"timestamp": int(at * 1000), "message": text} for at, text in lines]
        names = {"logGroupName": group, "logStreamName": stream}
        with request_scope(scope.account_id, scope.region):
            if group not in cloudwatch_logs._log_groups:
                cloudwatch_logs._create_log_group({"logGroupName": group})
            if stream not in cloudwatch_logs._log_groups[group]["streams"]:
                cloudwatch_logs._create_log_stream(names)
                self._touched("logs")
            cloudwatch_logs._put_log_events({**names, "logEvents": events})

    def _may_write_logs(self, scope: Scope, group: str, role_arn: str) -> bool:
        identity = self._identities.role(role_arn, "SageMaker")
        with request_scope(scope.account_id, scope.region):
            return identity is not None and may_write_logs(
                self._authorizer, identity, scope.region, group
            )

    def _assume(self, role_arn: str) -> Identity:
        """The session that SageMaker opens of a role."""
        if not self._may_assume(role_arn):
            raise _not_assumable(role_arn)
        identity = self._identities.role(role_arn, "SageMaker")
        if identity is None:
            raise _not_assumable(role_arn)
        return identity

    def _may_assume(self, role_arn: str) -> bool:
        trust = self._identities.trust_policy(role_arn)
        return trust is not None and service_may_assume(SERVICE, role_arn, trust)


def may_write_logs(authorizer: Authorizer, identity: Identity, region: str, group: str) -> bool:
    """Whether a role may write into a log group of its account, which it may have to make first."""
    arn = f"arn:aws:logs:{region}:{identity.principal.account_id}:log-group:{group}"
    needed = {"logs:CreateLogStream": arn, "logs:PutLogEvents": f"{arn}:log-stream:*"}
    if group not in cloudwatch_logs._log_groups:
        needed["logs:CreateLogGroup"] = arn
    return not any(
        authorizer.denial(identity, action, resource, {}, region, None)
        for action, resource in needed.items()
    )


def _not_assumable(role_arn: str) -> AwsError:
    return AwsError(
        "ValidationException",
        f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal"
        f" '{SERVICE}' to assume the role.",
    )
