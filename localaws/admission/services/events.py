"""What EventBridge refuses."""

import json
import re
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.admission.services.event_patterns import MATCHERS, pattern_problems
from localaws.admission.services.schedules import is_cron, is_rate
from localaws.errors import AwsError

TARGETS_OF_RULE = 5
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>", re.ASCII)
_NEED_ROLE = ("ecs", "kinesis", "states")


def _put_rule(parameters: Parameters, account: Account) -> None:
    expression = parameters.get("ScheduleExpression")
    _check_pattern(parameters.get("EventPattern"))
    bus = parameters.get("EventBusName", "default")
    name = bus.rpartition("/")[2]
    if name != "default" and account.record("event bus", name) is None:
        raise AwsError("ResourceNotFoundException", f"Event bus {bus} does not exist.")
    if not expression and not parameters.get("EventPattern"):
        text = "Parameter(s) EventPattern or ScheduleExpression must be specified."
        raise AwsError("ValidationException", text)
    if not expression:
        return
    if parameters.get("EventBusName", "default").rpartition("/")[2] != "default":
        text = "ScheduleExpression is supported only on the default event bus."
        raise AwsError("ValidationException", text)
    if not is_rate(expression) and not is_cron(expression):
        raise AwsError("ValidationException", "Parameter ScheduleExpression is not valid.")


def _check_pattern(text: str | None) -> None:
    if not text:
        return
    try:
        pattern = json.loads(text)
        if not isinstance(pattern, dict) or not pattern:
            raise ValueError("Filter is not an object, or empty")
        problem = next(pattern_problems(pattern, MATCHERS), None)
        if problem:
            raise ValueError(problem)
    except (ValueError, RecursionError) as error:
        text = f"Event pattern is not valid. Reason: {error}"
        raise AwsError("InvalidEventPatternException", text) from None


def _known_rule(parameters: Parameters, account: Account) -> None:
    name = parameters.get("Rule") or parameters["Name"]
    bus = parameters.get("EventBusName", "default")
    if bus == "default" and account.record("rule", name) is None:
        text = f"Rule {name} does not exist on EventBus default."
        raise AwsError("ResourceNotFoundException", text)


def _form_of_targets(parameters: Parameters, account: Account) -> None:
    ids = [target["Id"] for target in parameters["Targets"]]
    if len(set(ids)) < len(ids):
        raise AwsError("ValidationException", "Two targets have the same Id.")
    for target in parameters["Targets"]:
        name = f"target {target['Id']}"
        given = target.keys() & {"Input", "InputPath", "InputTransformer"}
        if len(given) > 1:
            text = "Only one of Input, InputPath, or InputTransformer must be provided for"
            raise AwsError("ValidationException", f"{text} {name}.")
        if "Input" in target and not _is_json(target["Input"]):
            raise AwsError("ValidationException", f"JSON syntax error in input for {name}")
        path = target.get("InputPath", "$")
        if not path.startswith("$"):
            raise AwsError("ValidationException", f"Invalid InputPath for {name}: {path}")
        transformer = target.get("InputTransformer")
        if transformer is not None:
            _check_template(name, transformer)
        service = target["Arn"].split(":")[2] if target["Arn"].count(":") > 4 else ""
        if service in _NEED_ROLE and "RoleArn" not in target:
            text = f"RoleArn is required for target {target['Arn']}."
            raise AwsError("ValidationException", text)


def _check_template(name: str, transformer: Parameters) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html."""
    known = {*(transformer.get("InputPathsMap") or ())}
    used = set(_PLACEHOLDER.findall(transformer.get("InputTemplate", "")))
    unknown = sorted(each for each in used - known if not each.startswith("aws.events."))
    if unknown:
        text = f"InputTemplate for {name} contains invalid placeholder {unknown[0]}."
        raise AwsError("ValidationException", text)


def _known_bus(parameters: Parameters, account: Account) -> None:
    name = (parameters.get("EventBusName") or "default").rpartition("/")[2]
    if name != "default" and account.record("event bus", name) is None:
        raise AwsError("ResourceNotFoundException", f"Event bus {name} does not exist.")


def _archive(parameters: Parameters, account: Account) -> None:
    _known_bus({"EventBusName": parameters["EventSourceArn"]}, account)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _create_bus(parameters: Parameters, account: Account) -> None:
    name = parameters["Name"]
    if "/" in name and not name.startswith("aws.partner/"):
        text = f"Event bus name {name} must not contain '/'."
        raise AwsError("ValidationException", text)


def _test_pattern(parameters: Parameters, account: Account) -> None:
    try:
        event = json.loads(parameters["Event"])
    except (ValueError, RecursionError) as error:
        text = f"Parameter Event is not valid. Reason: {error}"
        raise AwsError("ValidationException", text) from None
    needed = ("account", "detail-type", "id", "region", "resources", "source", "time")
    missing = [name for name in needed if not isinstance(event, dict) or name not in event]
    if missing:
        text = f"Parameter Event is not valid. Reason: {missing[0]} is missing"
        raise AwsError("ValidationException", text)


def _put_targets(parameters: Parameters, account: Account) -> None:
    there = account.record("rule", parameters["Rule"])
    if there is None or parameters.get("EventBusName", "default") != "default":
        return
    ids = {target["Id"] for target in (*there["Targets"], *parameters["Targets"])}
    if len(ids) > TARGETS_OF_RULE:
        text = f"The requested resource exceeds the maximum number allowed ({TARGETS_OF_RULE})."
        raise AwsError("LimitExceededException", text)


def _role(parameters: Parameters, account: Account) -> None:
    role = parameters.get("RoleArn")
    if role is not None and not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:role/.+", role, re.ASCII):
        text = "Parameter RoleArn is not valid. Reason: Provided Arn is not in correct format."
        raise AwsError("ValidationException", text)


def _delete_rule(parameters: Parameters, account: Account) -> None:
    there = account.record("rule", parameters["Name"])
    if there and there["Targets"] and parameters.get("EventBusName", "default") == "default":
        raise AwsError("ValidationException", "Rule can't be deleted since it has targets.")


RULES: Mapping[tuple[str, str], Rule] = {
    ("events", "CreateArchive"): _archive,
    ("events", "DeleteRule"): in_turn(_known_bus, _delete_rule),
    ("events", "CreateEventBus"): _create_bus,
    ("events", "DisableRule"): _known_rule,
    ("events", "EnableRule"): _known_rule,
    ("events", "ListTargetsByRule"): _known_rule,
    ("events", "PutRule"): in_turn(_role, _put_rule),
    ("events", "PutTargets"): in_turn(_form_of_targets, _put_targets),
    ("events", "RemoveTargets"): _known_rule,
    ("events", "TestEventPattern"): _test_pattern,
}
