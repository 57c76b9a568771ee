"""The tasks of state machines: every service integration as the state machine's role.

A task is a request of an AWS client with keys of a session of the role, so that it is checked,
answered and noted as that of any client.
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectionError,
    ParamValidationError,
)
from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions
from ministack.services.cloudformation import custom_resource

from localaws.authorization import Authorizer
from localaws.backend import Scope
from localaws.ministack.iam.identities import MiniStackIdentities
from localaws.ministack.iam.service_sessions import ServiceSessions
from localaws.ministack.state_machines import executions

SERVICE = "states.amazonaws.com"
POLL_SECONDS = 0.1
ENDING_SECONDS = 10.0
MOST_CLIENTS = 64

Data = Mapping[str, Any]


@dataclass(frozen=True)
class JobIntegration:
    """How a ``.sync`` integration waits: its operations, and the rule of EventBridge behind it."""

    describe: str
    stop: str
    name: str
    status: str
    rule: str


JOBS = {
    "CreateTrainingJob": JobIntegration(
        "DescribeTrainingJob",
        "StopTrainingJob",
        "TrainingJobName",
        "TrainingJobStatus",
        "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    ),
    "CreateTransformJob": JobIntegration(
        "DescribeTransformJob",
        "StopTransformJob",
        "TransformJobName",
        "TransformJobStatus",
        "StepFunctionsGetEventsForSageMakerTransformJobsRule",
    ),
    "CreateHyperParameterTuningJob": JobIntegration(
        "DescribeHyperParameterTuningJob",
        "StopHyperParameterTuningJob",
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobStatus",
        "StepFunctionsGetEventsForSageMakerTuningJobsRule",
    ),
}
"""https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html"""

_CLIENT_NAMES = {
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sfn": "stepfunctions",
}
"""What the AWS SDK for Java calls a service, where botocore calls it otherwise."""
_OPTIMIZED = {
    "dynamodb": "DynamoDB",
    "events": "EventBridge",
    "lambda": "Lambda",
    "sagemaker": "SageMaker",
    "sns": "SNS",
    "sqs": "SQS",
}
"""The services that have an integration of their own, with what begins the names of its errors."""


class Tasks:
    """Runs the tasks of executions, each as the role of its state machine."""

    def __init__(
        self,
        identities: MiniStackIdentities,
        authorizer: Authorizer,
        running: executions.Executions,
        discard_interrupted_job: Callable[[Scope, dict[str, Any]], None],
    ) -> None:
        self._sessions = ServiceSessions(SERVICE, identities, authorizer)
        self._authorizer = authorizer
        self._running = running
        self._discard_interrupted_job = discard_interrupted_job
        self._client = lru_cache(MOST_CLIENTS)(_client)

    def invoking(self, invoke: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
        """In MiniStack's place; ``invoke`` does what it does by itself."""

        def invoke_task(resource: str, data: Any) -> Any:
            task = _task(resource)
            if task is None:
                return invoke(resource, data)
            service, operation, waits = task
            is_sdk = ":aws-sdk:" in resource
            if service == "lambda" and operation == "Invoke":
                return self._invoke_function(resource, data)
            if waits and self._is_made(operation, data):
                return self._wait(operation, data)
            answer = self._call(service, operation, data, is_sdk=is_sdk)
            return self._wait(operation, data) if waits else answer

        def invoke_resource(resource: str, data: Any) -> Any:
            self._running.check()
            try:
                return invoke_task(resource, data)
            except Exception as error:
                # The server stops listening before it says that it ends.
                unreachable = isinstance(error, (ConnectionError, ConnectionClosedError))
                self._running.check(ENDING_SECONDS if unreachable else 0)
                raise

        return invoke_resource

    def _is_made(self, operation: str, data: Data) -> bool:
        """Whether the job of a task that was interrupted is there, and need not be made again."""
        job = JOBS.get(operation)
        if job is None or not executions.goes_on.get():
            return False
        self._discard_interrupted_job(Scope(get_account_id(), get_region()), dict(data))
        try:
            self._call("sagemaker", job.describe, {job.name: data[job.name]})
        except stepfunctions._ExecutionError:
            return False
        return True

    def _call(self, service: str, operation: str, data: Data, *, is_sdk: bool = False) -> Any:
        """Make one request as the role; its answer with the names that Step Functions gives."""
        client = self._client_for(service)
        model = client.meta.service_model
        if operation not in model.operation_names:
            raise _error("States.Runtime", f"{service} has no operation {operation}")
        shape = model.operation_model(operation).input_shape
        request = stepfunctions._sdk_json_param_value(data or {}, shape) if shape else {}
        try:
            answer = client._make_api_call(operation, request)
        except ClientError as error:
            details = error.response["Error"]
            name = _exception(details["Code"])
            if is_sdk:
                name = stepfunctions._prefix_sdk_error(service, name)
            else:
                name = f"{_OPTIMIZED[service]}.{name}"
            raise _error(name, details["Message"]) from error
        except ParamValidationError as error:
            raise _error("States.Runtime", str(error)) from error
        answer.pop("ResponseMetadata", None)
        output = model.operation_model(operation).output_shape
        return stepfunctions._sdk_json_value(_plain(answer), output) if output else {}

    def _invoke_function(self, resource: str, data: Data) -> Any:
        """A Lambda function by its own ARN, or by the optimized integration."""
        is_optimized = resource.startswith("arn:aws:states:::")
        name = data["FunctionName"] if is_optimized else resource
        payload = data.get("Payload", {}) if is_optimized else data
        client = self._client_for("lambda")
        try:
            answer = client._make_api_call(
                "Invoke", {"FunctionName": name, "Payload": json.dumps(payload).encode()}
            )
        except ClientError as error:
            details = error.response["Error"]
            raise _error(f"Lambda.{_exception(details['Code'])}", details["Message"]) from error
        body = json.loads(answer["Payload"].read() or "null")
        if answer.get("FunctionError"):
            raise _error(body.get("errorType", "Lambda.Unknown"), json.dumps(body))
        return {"StatusCode": answer["StatusCode"], "Payload": body} if is_optimized else body

    def _wait(self, operation: str, data: Data) -> Any:
        """Wait for a job as ``.sync`` does; a job that fails fails its task."""
        job = JOBS.get(operation)
        if job is None:
            raise _error("States.Runtime", f"{operation}.sync is not available here")
        self._check_rule(job.rule)
        name = {job.name: data[job.name]}
        while True:
            described = self._call("sagemaker", job.describe, name)
            status = described[job.status]
            if status == "Completed":
                return described
            if status in ("Failed", "Stopped"):
                raise _error("States.TaskFailed", json.dumps(described))
            execution = executions.current.get()
            if execution is not None and execution["status"] != "RUNNING":
                self._call("sagemaker", job.stop, name)
                raise _error("States.TaskFailed", "the execution was stopped")
            time.sleep(POLL_SECONDS)

    def _check_rule(self, rule: str) -> None:
        """The role has to be allowed the rule by which Step Functions learns of the job's end."""
        arn = f"arn:aws:events:{get_region()}:{get_account_id()}:rule/{rule}"
        identity = self._sessions.identity(_role_arn(), _session_name())
        if identity is None:
            raise _not_assumable()
        for action in ("events:DescribeRule", "events:PutRule", "events:PutTargets"):
            denial = self._authorizer.denial(identity, action, arn, {}, get_region(), None)
            if denial is not None:
                raise _error(
                    "States.TaskFailed", f"not authorized to create managed-rule: {denial}"
                )

    def _client_for(self, service: str) -> Any:
        role_arn = _role_arn()
        keys = self._sessions.keys(role_arn, _session_name(), _execution_arn())
        if keys is None:
            raise _not_assumable()
        name = _CLIENT_NAMES.get(service, service)
        url = custom_resource._gateway_url()
        return self._client(
            name, get_region(), url, keys.access_key_id, keys.secret_access_key, keys.session_token
        )


def _client(service: str, region: str, url: str, key_id: str, secret: str, token: str) -> Any:
    session = botocore.session.Session()
    return session.create_client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(
            retries={"max_attempts": 0}, read_timeout=900, s3={"addressing_style": "path"}
        ),
    )


def _task(resource: str) -> tuple[str, str, bool] | None:
    """Service, operation and whether it waits; None for what MiniStack does by itself."""
    if resource.startswith("arn:aws:lambda:"):
        return "lambda", "Invoke", False
    if not resource.startswith("arn:aws:states:::") or ".waitForTaskToken" in resource:
        return None
    waits = ".sync" in resource
    *_, service, operation = resource.partition(".sync")[0].split(":")
    if ":aws-sdk:" not in resource and service not in _OPTIMIZED:
        return None
    return service, operation[:1].upper() + operation[1:], waits


def _role_arn() -> str:
    execution = executions.current.get()
    if execution is None:
        raise _error("States.Runtime", "the task runs outside an execution")
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    return str(machine["roleArn"]) if machine else ""


def _execution_arn() -> str:
    execution = executions.current.get()
    return "" if execution is None else str(execution["stateMachineArn"])


def _session_name() -> str:
    execution = executions.current.get()
    return "" if execution is None else str(execution["name"])[:64]


def _not_assumable() -> Exception:
    return _error(
        "States.Runtime",
        f"The service principal '{SERVICE}' is not authorized to assume the provided role.",
    )


def _error(name: str, cause: str) -> Exception:
    error: Exception = stepfunctions._ExecutionError(name, cause)
    return error


def _exception(code: str) -> str:
    return code if code.endswith(("Exception", "Error")) else f"{code}Exception"


def _plain(value: Any) -> Any:
    """An answer as JSON."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if hasattr(value, "read"):
        return _plain(value.read())
    return value
