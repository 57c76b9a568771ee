"""Schedules as EventBridge and its Scheduler take them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import re
from datetime import datetime

_RATE = re.compile(r"rate\((1) (?:minute|hour|day)\)|rate\(([1-9]\d{0,7}) (?:minute|hour|day)s\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (1, 7, _DAYS), (1970, 2199, ()))
"""Minutes, hours, day of month, month, day of week, year."""
_DAY_OF_MONTH = 2
_DAY_OF_WEEK = 4


def is_rate(expression: str) -> bool:
    """Whether it is ``rate(value unit)``, with the unit in the value's number."""
    found = _RATE.fullmatch(expression)
    return found is not None and found[2] != "1"


def is_time(expression: str) -> bool:
    """Whether it is ``at(yyyy-mm-ddThh:mm:ss)``, and there is such a time."""
    found = _AT.fullmatch(expression)
    if found is None:
        return False
    try:
        datetime.fromisoformat(found[1])
    except ValueError:
        return False
    return True


def is_cron(expression: str) -> bool:
    """Whether it is ``cron(…)`` of six fields, one kind of days left open with ``?``."""
    if not (expression.startswith("cron(") and expression.endswith(")")):
        return False
    fields = expression[len("cron(") : -1].upper().split()
    if len(fields) != len(_FIELDS):
        return False
    days = (fields[_DAY_OF_MONTH], fields[_DAY_OF_WEEK])
    return (days.count("?") == 1) and all(
        _is_field(number, text) for number, text in enumerate(fields)
    )


def _is_field(number: int, text: str) -> bool:
    if text in ("*", "?"):
        return text == "*" or number in (_DAY_OF_MONTH, _DAY_OF_WEEK)
    return all(_is_item(number, item) for item in text.split(","))


def _is_item(number: int, item: str) -> bool:
    values, slash, step = item.partition("/")
    if slash and not (_is_number(step) and int(step) > 0):
        return False
    if values == "*":
        return True
    if number == _DAY_OF_MONTH and re.fullmatch(r"LW?|L-\d{1,2}|\d{1,2}W", values):
        return True
    if number == _DAY_OF_WEEK and re.fullmatch(r"L|([1-7]|[A-Z]{3})(L|#[1-5])", values):
        return True
    ends = values.split("-")
    return 1 <= len(ends) <= 2 and all(_is_value(number, end) for end in ends)


def _is_value(number: int, text: str) -> bool:
    least, most, names = _FIELDS[number]
    return text in names or (_is_number(text) and least <= int(text) <= most)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6
