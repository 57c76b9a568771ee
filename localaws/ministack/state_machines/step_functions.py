"""Step Functions on MiniStack, which walks the states: tasks, counts and who may start executions.

MiniStack calls services without a role, and knows no integration with SageMaker.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, scheduler, stepfunctions

from localaws.authorization import Authorizer
from localaws.backend import Backend, MetricValues, Scope
from localaws.ministack import patches
from localaws.ministack.iam.identities import MiniStackIdentities
from localaws.ministack.iam.service_sessions import ServiceSessions
from localaws.ministack.state_machines.executions import Executions
from localaws.ministack.state_machines.tasks import Tasks

Data = Mapping[str, Any]


class StepFunctions:
    """Runs tasks and counts executions; make it once MiniStack's Step Functions is imported."""

    def __init__(
        self,
        identities: MiniStackIdentities,
        authorizer: Authorizer,
        backend: Backend,
        touched: Callable[[str], None],
        discard_interrupted_job: Callable[[Scope, dict[str, Any]], None],
    ) -> None:
        self.executions = Executions(touched)
        self._tasks = Tasks(identities, authorizer, self.executions, discard_interrupted_job)
        self._events = ServiceSessions("events.amazonaws.com", identities, authorizer)
        self._scheduler = ServiceSessions("scheduler.amazonaws.com", identities, authorizer)
        self._authorizer = authorizer
        self._backend = backend
        self._touched = touched

    def install(self) -> None:
        """Replace what MiniStack does otherwise."""
        self.executions.install()
        patches.replace(stepfunctions, "_invoke_resource", self._tasks.invoking)
        patches.replace(stepfunctions, "_emit_execution_status_event", self._counting)
        patches.replace(eventbridge, "_invoke_target", self._checking_target)
        patches.replace(eventbridge, "_events_log_list", lambda _: list)

    def start_schedules(self) -> None:
        """Let rules and schedules fire by the clock, once what an earlier run left is back."""
        eventbridge.start_scheduler()
        scheduler.start_scheduler()

    def _counting(self, emit: Callable[[Data], None]) -> Callable[[Data], None]:
        """Count executions in CloudWatch: that they began, and how they ended.

        https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
        """
        names = {
            "RUNNING": "ExecutionsStarted",
            "SUCCEEDED": "ExecutionsSucceeded",
            "FAILED": "ExecutionsFailed",
            "ABORTED": "ExecutionsAborted",
            "TIMED_OUT": "ExecutionsTimedOut",
        }

        def emit_and_count(execution: Data) -> None:
            emit(execution)
            now = time.time()
            dimensions = {"StateMachineArn": execution["stateMachineArn"]}
            # A metric that stays 0 is there all the same: alarms compare it.
            ended = execution["status"] != "RUNNING"
            counted = {
                names[status]: float(status == execution["status"])
                for status in names
                if (status != "RUNNING") == ended
            }
            metrics = [
                MetricValues(name, dimensions, "Count", now, [value], [1.0])
                for name, value in counted.items()
            ]
            scope = Scope(get_account_id(), get_region())
            self._backend.put_metrics(scope, "AWS/States", metrics)
            if ended:
                self.executions.note_end(dict(execution))
            self._touched("states")

        return emit_and_count

    def _checking_target(self, invoke: Callable[..., Any]) -> Callable[..., Any]:
        """Start executions for rules and schedules whose role may, and for no others."""

        def invoke_target(target: Data, event: Data, rule: Data, view: Any = None) -> None:
            arn = str(target.get("Arn", ""))
            if arn.startswith("arn:aws:states:") and not self._may_start(target, arn, rule):
                eventbridge.logger.error(
                    "%s: the role of its target may not start %s", rule.get("Name"), arn
                )
                return
            invoke(target, event, rule, view)

        return invoke_target

    def _may_start(self, target: Data, arn: str, rule: Data) -> bool:
        role_arn = str(target.get("RoleArn", ""))
        if not role_arn.startswith("arn:"):
            return False
        group = (
            f"arn:aws:scheduler:{get_region()}:{get_account_id()}:schedule-group/"
            f"{rule.get('GroupName', 'default')}"
        )
        for sessions, source in ((self._events, rule.get("Arn")), (self._scheduler, group)):
            identity = sessions.identity(role_arn, "target", source)
            if identity is not None:
                action = "states:StartExecution"
                return not self._authorizer.denial(identity, action, arn, {}, get_region(), None)
        return False
