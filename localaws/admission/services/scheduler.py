"""What the EventBridge Scheduler refuses."""

import re
from collections.abc import Mapping
from zoneinfo import available_timezones

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule
from localaws.errors import AwsError


def _schedule(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html."""
    expression, window = parameters["ScheduleExpression"], parameters["FlexibleTimeWindow"]
    if not re.fullmatch(r"(at|rate|cron)\(.+\)", expression) or (
        expression.startswith("rate(")
        and not re.fullmatch(r"rate\([1-9]\d{0,7} (minute|hour|day)s?\)", expression)
    ):
        raise AwsError("ValidationException", f"Invalid Schedule Expression {expression}.")
    zone = parameters.get("ScheduleExpressionTimezone", "UTC")
    if zone not in available_timezones():
        raise AwsError("ValidationException", f"Provided timezone {zone} is not supported.")
    minutes = window.get("MaximumWindowInMinutes")
    if (window.get("Mode") == "FLEXIBLE") != (minutes is not None):
        text = "MaximumWindowInMinutes goes with a flexible time window, and with none else."
        raise AwsError("ValidationException", text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("scheduler", "CreateSchedule"): _schedule,
    ("scheduler", "UpdateSchedule"): _schedule,
}
