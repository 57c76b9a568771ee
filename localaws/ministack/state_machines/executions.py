"""Executions of Step Functions go on after localaws was stopped or killed.

On AWS an execution knows nothing of a server that ends. MiniStack lets those that ran fail. Here
one goes on at the beginning of the state that it was in, which runs again as a task does that is
retried; a job that localaws's own end let fail is made again, by its name. What is lost: tokens of
``.waitForTaskToken``, and how long a Wait has waited.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from ministack.core.responses import (
    get_account_id,
    get_region,
    now_iso,
    set_request_account_id,
    set_request_region,
)
from ministack.services import stepfunctions

from localaws.ministack import patches

INTERRUPTED = "States.ServiceRestart"
"""The error that MiniStack gives executions that ran when it ended."""

MOST_EVENTS = 25_000
"""Of one execution: https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html"""
MOST_ENDED = 2_000
"""Executions that are kept after their end, where AWS keeps those of 90 days."""
ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")

Execution = dict[str, Any]
current: ContextVar[Execution | None] = ContextVar("execution", default=None)
"""The execution that a thread runs."""
goes_on: ContextVar[bool] = ContextVar("goes on", default=False)
"""Whether the state that a thread runs was interrupted."""


class Executions:
    """Notes how far executions are, and takes them up again; ``touched`` saves what changed."""

    def __init__(self, touched: Callable[[str], None]) -> None:
        self._touched = touched
        self._ending = threading.Event()
        self._ended: deque[tuple[Any, ...]] = deque()
        self._lock = threading.Lock()

    def install(self) -> None:
        """Replace what MiniStack does otherwise."""
        patches.replace(stepfunctions, "_run_execution", _running)
        patches.replace(stepfunctions, "_add_event", self._saving)
        patches.replace(stepfunctions, "_apply_state_assign", _remembering)

    def end(self) -> None:
        """Let no execution see that localaws ends."""
        self._ending.set()

    def check(self, seconds: float = 0) -> None:
        """End this thread where localaws ends, or does within so many seconds.

        Its execution stays as it is, and goes on later.

        Raises
        ------
        SystemExit
        """
        if self._ending.wait(seconds):
            raise SystemExit

    def note_end(self, execution: Execution) -> None:
        """Forget the oldest of those that have ended, where they are too many."""
        held = stepfunctions._executions._data
        with self._lock:
            self._ended.append((get_account_id(), get_region(), execution["executionArn"]))
            while len(self._ended) > MOST_ENDED:
                held.pop(self._ended.popleft(), None)

    def resume(self) -> None:
        """Take up those that ran when localaws ended."""
        for (account_id, region, _), execution in list(stepfunctions._executions._data.items()):
            is_told = execution["events"][-1]["type"] == "ExecutionFailed"
            if execution.get("error") == INTERRUPTED and not is_told:
                execution |= {"status": "RUNNING", "stopDate": None, "error": None, "cause": None}
                thread = threading.Thread(
                    target=copy_context().run,
                    args=(_go_on, account_id, region, execution),
                    daemon=True,
                )
                thread.start()
        ended = [
            (execution["stopDate"], key)
            for key, execution in list(stepfunctions._executions._data.items())
            if execution["stopDate"] is not None
        ]
        self._ended.extend(key for _, key in sorted(ended))

    def _saving(self, add: Callable[..., Any]) -> Callable[..., Any]:
        def add_event(execution: Execution, event_type: str, details: Any = None) -> Any:
            if len(execution["events"]) >= MOST_EVENTS - 1 and event_type not in ENDS:
                reached = f"the maximum number of history events ({MOST_EVENTS})"
                text = f"The execution reached {reached}."
                raise stepfunctions._ExecutionError("States.Runtime", text)
            event = add(execution, event_type, details)
            if event_type.endswith("StateEntered"):
                self._touched("states")
            return event

        return add_event


def _running(run: Callable[[str], None]) -> Callable[[str], None]:
    """Note which execution a thread, and the threads that it starts, runs."""

    def run_execution(arn: str) -> None:
        current.set(stepfunctions._executions.get(arn))
        run(arn)

    return run_execution


def _remembering(assign: Callable[..., None]) -> Callable[..., None]:
    """Keep variables with their execution."""

    def apply(
        state: Any, data: Any, context: Any, result: Any = None, error_output: Any = None
    ) -> None:
        assign(state, data, context, result, error_output)
        execution = current.get()
        if execution is not None:
            execution["variables"] = context.get("variables", {})

    return apply


def _go_on(account_id: str, region: str, execution: Execution) -> None:
    """Run an execution, as its own account, from the state that it entered last."""
    set_request_account_id(account_id)
    set_request_region(region)
    entered = [each for each in execution["events"] if "stateEnteredEventDetails" in each]
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    if not entered or not machine:
        stepfunctions._run_execution(execution["executionArn"])
        return
    current.set(execution)
    try:
        output = _walk(execution, machine, entered[-1]["stateEnteredEventDetails"])
    except stepfunctions._ExecutionError as error:
        stepfunctions._fail_execution(execution, error.error, error.cause)
    except Exception as error:
        stepfunctions.logger.exception("Unexpected error in %s", execution["executionArn"])
        stepfunctions._fail_execution(execution, "States.Runtime", str(error))
    else:
        if execution["status"] == "RUNNING":
            _succeed(execution, json.dumps(output))


def _walk(execution: Execution, machine: Any, entered: Any) -> Any:
    """Run state after state; the output of the last one."""
    definition = json.loads(machine["definition"])
    data = json.loads(execution["input"])
    context = {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": data,
            "Name": execution["name"],
            "StartTime": execution["startDate"],
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": execution.get("variables", {}),
    }
    name, data = entered["name"], json.loads(entered["input"])
    goes_on.set(True)
    while name and execution["status"] == "RUNNING":
        state = definition["States"][name]
        if not goes_on.get():
            details = {"name": name, "input": json.dumps(data)}
            kind = f"{state['Type']}StateEntered"
            stepfunctions._add_event(execution, kind, {"stateEnteredEventDetails": details})
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        data, following = _output(state, data, execution, context)
        goes_on.set(False)
        details = {"name": name, "output": json.dumps(data)}
        kind = f"{state['Type']}StateExited"
        stepfunctions._add_event(execution, kind, {"stateExitedEventDetails": details})
        name = following
    return data


def _output(state: Any, data: Any, execution: Execution, context: Any) -> tuple[Any, str | None]:
    """What a state makes of its input, and the state that follows."""
    match state["Type"]:
        case "Fail":
            error, cause = stepfunctions._fail_state_error(state, data, context)
            raise stepfunctions._ExecutionError(error, cause)
        case "Succeed":
            data = stepfunctions._apply_input_path(state, data, context)
            return stepfunctions._apply_output_path(state, data, context), None
        case "Task" | "Parallel" | "Map" as kind:
            run = getattr(stepfunctions, f"_execute_{kind.lower()}")
            answer: tuple[Any, str | None] = run(state, data, execution, context)
            return answer
        case kind:
            answer = getattr(stepfunctions, f"_execute_{kind.lower()}")(state, data, context)
            return answer


def _succeed(execution: Execution, output: str) -> None:
    execution |= {"status": "SUCCEEDED", "output": output, "stopDate": now_iso()}
    details = {"executionSucceededEventDetails": {"output": output}}
    stepfunctions._add_event(execution, "ExecutionSucceeded", details)
    stepfunctions._emit_execution_status_event(execution)
