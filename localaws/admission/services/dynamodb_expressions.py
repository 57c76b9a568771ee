"""What DynamoDB refuses of expressions before it looks at an item.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import re
from collections.abc import Iterator

from localaws.admission.rule import Parameters
from localaws.errors import AwsError

EXPRESSIONS = (
    "ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression",
    "UpdateExpression",
)  # fmt: skip
_LEGACY = (
    "AttributeUpdates", "AttributesToGet", "ConditionalOperator", "Expected", "KeyConditions",
    "QueryFilter", "ScanFilter",
)  # fmt: skip
_STEP = r"(?:#\w+|[A-Za-z_]\w*)(?:\s*\[\s*\d+\s*\])*"
PATH = re.compile(rf"\s*{_STEP}(?:\s*\.\s*{_STEP})*\s*", re.ASCII)
_TYPED = re.compile(r"(begins_with|attribute_type)\s*\([^(),]*,\s*(:\w+)\s*\)")
_TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")


def check_expressions(parameters: Parameters) -> None:
    """Refuse expressions whose form is wrong, whatever is in the table.

    Raises
    ------
    AwsError
    """
    given = [name for name in EXPRESSIONS if parameters.get(name)]
    legacy = [name for name in _LEGACY if parameters.get(name)]
    if given and legacy:
        raise _invalid(
            "Can not use both expression and non-expression parameters in the same request:"
            f" Non-expression parameters: {{{', '.join(legacy)}}} Expression parameters:"
            f" {{{', '.join(given)}}}"
        )
    for path in (parameters.get("ProjectionExpression") or "a").split(","):
        check_path("ProjectionExpression", path)
    values = parameters.get("ExpressionAttributeValues") or {}
    for name in given:
        for function, kind, value in _operands(parameters[name], values):
            _check_operand(name, function, kind, value)


def check_path(expression: str, path: str) -> None:
    """Refuse what is no path to an attribute.

    Raises
    ------
    AwsError
    """
    if not PATH.fullmatch(path):
        near = path.strip() or ","
        raise _invalid(f'Invalid {expression}: Syntax error; token: "{near}", near: "{near}"')


def _operands(text: str, values: Parameters) -> Iterator[tuple[str, str, object]]:
    for found in _TYPED.finditer(text):
        for kind, value in (values.get(found[2]) or {}).items():
            yield found[1], kind, value


def _check_operand(expression: str, function: str, kind: str, value: object) -> None:
    if kind not in (("S", "B") if function == "begins_with" else ("S",)):
        raise _invalid(
            f"Invalid {expression}: Incorrect operand type for operator or function; operator or"
            f" function: {function}, operand type: {kind}"
        )
    if function == "attribute_type" and value not in _TYPES:
        raise _invalid(
            f"Invalid {expression}: Invalid attribute type name found; type: {value}, valid types:"
            f" {{{','.join(_TYPES)}}}"
        )


def _invalid(text: str) -> AwsError:
    return AwsError("ValidationException", text)
