"""What EventBridge refuses."""

import re
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule
from localaws.errors import AwsError

TARGETS_OF_RULE = 5
_RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?!1 )[1-9]\d{0,7} (?:minutes|hours|days))\)")


def _put_rule(parameters: Parameters, account: Account) -> None:
    expression = parameters.get("ScheduleExpression")
    if not expression and not parameters.get("EventPattern"):
        text = "Parameter(s) EventPattern or ScheduleExpression must be specified."
        raise AwsError("ValidationException", text)
    if expression and expression.startswith("rate(") and not _RATE.fullmatch(expression):
        raise AwsError("ValidationException", "Parameter ScheduleExpression is not valid.")


def _put_targets(parameters: Parameters, account: Account) -> None:
    there = account.record("rule", parameters["Rule"])
    if there is None or parameters.get("EventBusName", "default") != "default":
        return
    ids = {target["Id"] for target in (*there["Targets"], *parameters["Targets"])}
    if len(ids) > TARGETS_OF_RULE:
        text = f"The requested resource exceeds the maximum number allowed ({TARGETS_OF_RULE})."
        raise AwsError("LimitExceededException", text)


def _delete_rule(parameters: Parameters, account: Account) -> None:
    there = account.record("rule", parameters["Name"])
    if there and there["Targets"] and parameters.get("EventBusName", "default") == "default":
        raise AwsError("ValidationException", "Rule can't be deleted since it has targets.")


RULES: Mapping[tuple[str, str], Rule] = {
    ("events", "DeleteRule"): _delete_rule,
    ("events", "PutRule"): _put_rule,
    ("events", "PutTargets"): _put_targets,
}
