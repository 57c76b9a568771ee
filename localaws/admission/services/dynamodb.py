"""What DynamoDB refuses."""

import re
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule
from localaws.errors import AwsError

_CLAUSE = re.compile(r"(?<![#:.\w])(SET|ADD|DELETE)(?![\w.])", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?<![:.\w])(#?[A-Za-z_]\w*)(?!\s*\()")


def _update_item(parameters: Parameters, account: Account) -> None:
    clauses = [found[1].upper() for found in _CLAUSE.finditer(_short(parameters))]
    for clause in set(clauses):
        if clauses.count(clause) > 1:
            raise AwsError(
                "ValidationException",
                f'Invalid UpdateExpression: The "{clause}" section can only be used once in an'
                " update expression;",
            )


def _query(parameters: Parameters, account: Account) -> None:
    table = account.record("table", parameters["TableName"].rpartition("/")[2])
    if table is None or not parameters.get("FilterExpression"):
        return
    schema = table.get("KeySchema", ())
    for index in (
        *table.get("GlobalSecondaryIndexes", ()),
        *table.get("LocalSecondaryIndexes", ()),
    ):
        if index["IndexName"] == parameters.get("IndexName"):
            schema = index["KeySchema"]
    keys = {element["AttributeName"] for element in schema}
    names = parameters.get("ExpressionAttributeNames") or {}
    used = {names.get(found[1], found[1]) for found in _ATTRIBUTE.finditer(_short(parameters))}
    if keys & used:
        raise AwsError(
            "ValidationException",
            "Filter Expression can only contain non-primary key attributes: Primary key attribute:"
            f" {min(keys & used)}",
        )


def _short(parameters: Parameters) -> str:
    """The expression that is looked at; DynamoDB takes 4 KB of one."""
    text = parameters.get("UpdateExpression") or parameters.get("FilterExpression") or ""
    if len(text.encode()) > 4096:
        raise AwsError(
            "ValidationException",
            "Invalid expression: Expression size has exceeded the maximum allowed size;"
            f" expression size: {len(text.encode())}",
        )
    return str(text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("dynamodb", "Query"): _query,
    ("dynamodb", "UpdateItem"): _update_item,
}
