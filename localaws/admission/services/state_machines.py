"""What Step Functions refuses."""

import json
import re
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.admission.services.state_language import problems
from localaws.errors import AwsError

SERVICE = "states.amazonaws.com"
_TAGGED = {"activity": "activity", "stateMachine": "state machine"}
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
    if role is not None:
        _check_arn(role)
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
    for destination in logging.get("destinations") or ():
        arn = (destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "")
        group = arn.partition(":log-group:")[2].removesuffix(":*")
        if not arn.endswith(":*") or account.record("log group", group) is None:
            raise AwsError(
                "InvalidLoggingConfiguration",
                f"Invalid Logging Configuration: Log Destination {arn} is no log group that exists;"
                " its ARN ends with :*.",
            )


def _named(parameters: Parameters, account: Account) -> None:
    name = parameters.get("name")
    if name is not None and not _NAME.fullmatch(name):
        raise AwsError("InvalidName", f"Invalid Name: '{name}'")


def _check_arn(arn: str) -> None:
    if not arn.startswith("arn:") or arn.count(":") < 5:
        raise AwsError("InvalidArn", f"Invalid Arn: '{arn}'")


def _of_arn(member: str) -> Rule:
    def rule(parameters: Parameters, account: Account) -> None:
        _check_arn(parameters[member])

    return rule


def _output(parameters: Parameters, account: Account) -> None:
    try:
        json.loads(parameters["output"])
    except (ValueError, RecursionError) as error:
        raise AwsError("InvalidOutput", f"Invalid Output: '{error}'") from None


def _tagged(parameters: Parameters, account: Account) -> None:
    arn = parameters["resourceArn"]
    _check_arn(arn)
    kind = arn.split(":")[5]
    if kind in _TAGGED and account.record(_TAGGED[kind], arn) is None:
        raise AwsError("ResourceNotFound", f"Resource not found: '{arn}'")
    for tag in parameters.get("tags") or ():
        if "key" not in tag:
            raise AwsError("ValidationException", "A tag has no key.")


def _update(parameters: Parameters, account: Account) -> None:
    if not parameters.keys() - {"stateMachineArn", "publish", "versionDescription"}:
        raise AwsError(
            "MissingRequiredParameter",
            "Either the definition, the role ARN, the LoggingConfiguration, the"
            " TracingConfiguration or the EncryptionConfiguration must be specified",
        )


def _start(parameters: Parameters, account: Account) -> None:
    try:
        json.loads(parameters.get("input", "{}"))
    except (ValueError, RecursionError) as error:
        text = f"Invalid State Machine Execution Input: '{error}'"
        raise AwsError("InvalidExecutionInput", text) from None


RULES: Mapping[tuple[str, str], Rule] = {
    ("stepfunctions", "CreateStateMachine"): in_turn(
        _named, _check_definition, _check_role, _check_logging
    ),
    ("stepfunctions", "UpdateStateMachine"): in_turn(
        _update, _check_definition, _check_role, _check_logging
    ),
    ("stepfunctions", "CreateActivity"): _named,
    ("stepfunctions", "DescribeExecution"): _of_arn("executionArn"),
    ("stepfunctions", "DescribeStateMachine"): _of_arn("stateMachineArn"),
    ("stepfunctions", "ListTagsForResource"): _tagged,
    ("stepfunctions", "SendTaskSuccess"): _output,
    ("stepfunctions", "StartExecution"): in_turn(_named, _of_arn("stateMachineArn"), _start),
    ("stepfunctions", "StartSyncExecution"): in_turn(_named, _of_arn("stateMachineArn"), _start),
    ("stepfunctions", "StopExecution"): _of_arn("executionArn"),
    ("stepfunctions", "TagResource"): _tagged,
    ("stepfunctions", "UntagResource"): _tagged,
}
