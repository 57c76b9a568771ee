"""What the EventBridge Scheduler refuses."""

import re
from collections.abc import Mapping
from zoneinfo import available_timezones

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule
from localaws.admission.services.schedules import is_cron, is_time
from localaws.errors import AwsError

_RATE = re.compile(r"rate\([1-9]\d{0,7} (minute|hour|day)s?\)")


def _schedule(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html."""
    expression, window = parameters["ScheduleExpression"], parameters["FlexibleTimeWindow"]
    if not (_RATE.fullmatch(expression) or is_time(expression) or is_cron(expression)):
        raise AwsError("ValidationException", f"Invalid Schedule Expression {expression}.")
    zone = parameters.get("ScheduleExpressionTimezone", "UTC")
    if zone not in available_timezones():
        raise AwsError("ValidationException", f"Provided timezone {zone} is not supported.")
    minutes = window.get("MaximumWindowInMinutes")
    if (window.get("Mode") == "FLEXIBLE") != (minutes is not None):
        text = "MaximumWindowInMinutes goes with a flexible time window, and with none else."
        raise AwsError("ValidationException", text)
    begin, end = parameters.get("StartDate"), parameters.get("EndDate")
    if isinstance(begin, int | float) and isinstance(end, int | float) and begin >= end:
        raise AwsError("ValidationException", "The StartDate must come before the EndDate.")
    group = parameters.get("GroupName", "default")
    _check_target(parameters["Target"], account, group)


def _check_target(target: Parameters, account: Account, group: str) -> None:
    arn, role = target["Arn"], target["RoleArn"]
    parts = arn.split(":")
    if parts[0] != "arn" or len(parts) < 6 or not all(parts[i] for i in (1, 2, -1)):
        raise AwsError("ValidationException", f"Provided Arn {arn} is not in correct format.")
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    source = f"arn:aws:scheduler:{account.region}:{account.account_id}:schedule-group/{group}"
    if not account.may_assume("scheduler.amazonaws.com", role, source):
        raise AwsError(
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the"
            " role.",
        )


RULES: Mapping[tuple[str, str], Rule] = {
    ("scheduler", "CreateSchedule"): _schedule,
    ("scheduler", "UpdateSchedule"): _schedule,
}
