"""What Step Functions refuses."""

import json
import re
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.admission.services.state_language import problems
from localaws.errors import AwsError

SERVICE = "states.amazonaws.com"
MOST_CHARACTERS = 1_048_576
_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")


def _check_definition(parameters: Parameters, account: Account) -> None:
    text = parameters.get("definition")
    if text is None:
        return
    try:
        if len(text) > MOST_CHARACTERS:
            raise ValueError("the definition is too long")
        found = list(problems(json.loads(text, parse_constant=_no_number)))
    except (ValueError, RecursionError) as error:
        found = [f"INVALID_JSON_DESCRIPTION: {error}"]
    if found:
        raise AwsError(
            "InvalidDefinition", f"Invalid State Machine Definition: '{', '.join(found[:5])}'"
        )


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _check_role(parameters: Parameters, account: Account) -> None:
    role = parameters.get("roleArn")
    if role is not None and role.startswith("arn:") and not account.may_assume(SERVICE, role):
        raise AwsError(
            "AccessDeniedException",
            f"Neither the global service principal {SERVICE}, nor the regional one is authorized to"
            " assume the provided role.",
        )


def _check_logging(parameters: Parameters, account: Account) -> None:
    logging = parameters.get("loggingConfiguration") or {}
    if logging.get("level", "OFF") != "OFF" and len(logging.get("destinations") or ()) != 1:
        raise AwsError(
            "InvalidLoggingConfiguration",
            "Invalid Logging Configuration: Must specify exactly one Log Destination.",
        )


def _create(parameters: Parameters, account: Account) -> None:
    name = parameters["name"]
    if not _NAME.fullmatch(name):
        raise AwsError("InvalidName", f"Invalid Name: '{name}'")


def _update(parameters: Parameters, account: Account) -> None:
    if not parameters.keys() - {"stateMachineArn", "publish", "versionDescription"}:
        raise AwsError(
            "MissingRequiredParameter",
            "Either the definition, the role ARN, the LoggingConfiguration, the"
            " TracingConfiguration or the EncryptionConfiguration must be specified",
        )


def _start(parameters: Parameters, account: Account) -> None:
    name = parameters.get("name")
    if name is not None and not _NAME.fullmatch(name):
        raise AwsError("InvalidName", f"Invalid Name: '{name}'")
    try:
        json.loads(parameters.get("input", "{}"))
    except (ValueError, RecursionError) as error:
        text = f"Invalid State Machine Execution Input: '{error}'"
        raise AwsError("InvalidExecutionInput", text) from None


RULES: Mapping[tuple[str, str], Rule] = {
    ("stepfunctions", "CreateStateMachine"): in_turn(
        _create, _check_definition, _check_role, _check_logging
    ),
    ("stepfunctions", "UpdateStateMachine"): in_turn(
        _update, _check_definition, _check_role, _check_logging
    ),
    ("stepfunctions", "StartExecution"): _start,
    ("stepfunctions", "StartSyncExecution"): _start,
}
