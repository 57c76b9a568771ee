"""What DynamoDB refuses."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations, zip_longest

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.admission.services.dynamodb_expressions import check_expressions, check_path
from localaws.errors import AwsError

EXPRESSIONS = 256
"""That are kept as they were read."""
_CLAUSE = re.compile(r"(?<![#:.\w])(SET|ADD|DELETE)(?![\w.])", re.IGNORECASE)
_SECTION = re.compile(r"(?<![#:.\w])(SET|ADD|DELETE|REMOVE)(?![\w.])", re.IGNORECASE)
_SEPARATOR = re.compile(r",(?![^()]*\))")
"""Of actions: a comma that is not within a function's arguments."""
_PART = re.compile(r"[#\w]+|\[\d+\]")
_NOT_OF_KEYS = re.compile(
    r"(?<![#:.\w])(OR|NOT|IN|contains|size|attribute_\w+)(?![\w.])|<>", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"(?<![:.\w])(#?[A-Za-z_]\w*)(?!\s*\()")


def _update(parameters: Parameters, account: Account) -> None:
    """An update cannot name a part of the key, whatever the value."""
    names = parameters.get("ExpressionAttributeNames") or {}
    changed = _changed_by(_short(parameters), tuple(names.items()))
    table = account.record("table", parameters["TableName"].rpartition("/")[2]) or {}
    keys = {element["AttributeName"] for element in table.get("KeySchema", ())}
    named = keys & changed
    if named:
        raise AwsError(
            "ValidationException",
            "One or more parameter values were invalid: Cannot update attribute"
            f" {min(named)}. This attribute is part of the key",
        )


@lru_cache(EXPRESSIONS)
def _changed_by(text: str, names: tuple[tuple[str, str], ...]) -> frozenset[str]:
    """The attributes that an update changes: once for all of its text, for fleets send many.

    Raises
    ------
    AwsError
        A section comes twice, or a part of an item is changed twice.
    """
    clauses = [found[1].upper() for found in _CLAUSE.finditer(text)]
    for clause in set(clauses):
        if clauses.count(clause) > 1:
            raise AwsError(
                "ValidationException",
                f'Invalid UpdateExpression: The "{clause}" section can only be used once in an'
                " update expression;",
            )
    paths = list(_targets(text, dict(names)))
    for path, other in combinations(paths, 2):
        if path[: len(other)] == other[: len(path)]:
            raise AwsError(
                "ValidationException",
                "Invalid UpdateExpression: Two document paths overlap with each other; must"
                f" remove or rewrite one of these paths; path one: [{', '.join(path)}],"
                f" path two: [{', '.join(other)}]",
            )
    return frozenset(path[0] for path in paths if path)


def _targets(text: str, names: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """The paths that an update changes."""
    begins = [*_SECTION.finditer(text)]
    for section, after in zip_longest(begins, begins[1:]):
        for action in _SEPARATOR.split(text[section.end() : after.start() if after else len(text)]):
            target = action.split("=")[0].split()[:1]
            check_path("UpdateExpression", "".join(target))
            yield tuple(names.get(part, part) for part in _PART.findall("".join(target)))


def _key_condition(parameters: Parameters, account: Account) -> None:
    text = parameters.get("KeyConditionExpression") or ""
    found = _NOT_OF_KEYS.search(text)
    if found:
        raise AwsError(
            "ValidationException",
            f"Invalid operator used in KeyConditionExpression: {found[0].upper()}",
        )


def _transact(parameters: Parameters, account: Account) -> None:
    for item in parameters["TransactItems"]:
        if len(item) != 1:
            text = "TransactItems can only contain one of Check, Put, Update or Delete"
            raise AwsError("ValidationException", text)
        for action, asked in item.items():
            check_expressions(asked)
            if action == "Update":
                _update(asked, account)
            if action != "Put":
                _key(asked, account)


def _transact_get(parameters: Parameters, account: Account) -> None:
    for item in parameters["TransactItems"]:
        _expressions(item["Get"], account)
        _key(item["Get"], account)


def _batch_get(parameters: Parameters, account: Account) -> None:
    for table, asked in parameters["RequestItems"].items():
        check_expressions(asked)
        for key in asked.get("Keys") or ():
            _key({"TableName": table, "Key": key}, account)


def _key(parameters: Parameters, account: Account) -> None:
    """A key has the attributes of its table's, and no others."""
    table = account.record("table", parameters["TableName"].rpartition("/")[2])
    schema = {element["AttributeName"] for element in (table or {}).get("KeySchema", ())}
    if schema and schema != parameters["Key"].keys():
        text = "The provided key element does not match the schema"
        raise AwsError("ValidationException", text)


def _expressions(parameters: Parameters, account: Account) -> None:
    check_expressions(parameters)


def _table(parameters: Parameters, account: Account) -> None:
    wrong = "One or more parameter values were invalid:"
    indexes = [
        *(parameters.get("GlobalSecondaryIndexes") or ()),
        *(parameters.get("LocalSecondaryIndexes") or ()),
    ]
    schemas = [
        parameters.get("KeySchema") or (),
        *(index.get("KeySchema", ()) for index in indexes),
    ]
    keys = {element["AttributeName"] for schema in schemas for element in schema}
    defined = {each["AttributeName"] for each in parameters.get("AttributeDefinitions") or ()}
    if "KeySchema" in parameters and keys != defined:
        text = f"{wrong} the keys [{', '.join(sorted(keys))}] and AttributeDefinitions"
        raise AwsError("ValidationException", f"{text} [{', '.join(sorted(defined))}] differ")
    billed = parameters.get("BillingMode", "PROVISIONED") == "PROVISIONED"
    if "KeySchema" in parameters and billed and "ProvisionedThroughput" not in parameters:
        text = f"{wrong} ProvisionedThroughput must be specified when BillingMode is PROVISIONED"
        raise AwsError("ValidationException", text)
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in parameters.get(kind) or ():
            projection = index["Projection"]
            shown = projection.get("ProjectionType", "ALL")
            if shown != "INCLUDE" and projection.get("NonKeyAttributes"):
                text = f"{wrong} ProjectionType is {shown}, but NonKeyAttributes is specified"
                raise AwsError("ValidationException", text)
    stream = parameters.get("StreamSpecification") or {}
    if stream.get("StreamEnabled") and "StreamViewType" not in stream:
        text = f"{wrong} StreamEnabled is true, but StreamViewType is not specified"
        raise AwsError("ValidationException", text)


def _time_to_live(parameters: Parameters, account: Account) -> None:
    name = parameters["TableName"].rpartition("/")[2]
    there = account.record("time to live", name) or {"Enabled": False}
    wanted = parameters["TimeToLiveSpecification"]
    if account.record("table", name) is None or there["Enabled"] != wanted["Enabled"]:
        return
    text = f"TimeToLive is already {'enabled' if wanted['Enabled'] else 'disabled'}"
    raise AwsError("ValidationException", text)


def _restore(parameters: Parameters, account: Account) -> None:
    name = parameters.get("SourceTableName") or parameters.get("SourceTableArn", "")
    name = name.rpartition("/")[2]
    recovery = account.record("point in time recovery", name) or {}
    if account.record("table", name) is not None and not recovery.get("enabled"):
        text = f"Point in time recovery is not enabled for table '{name}'"
        raise AwsError("PointInTimeRecoveryUnavailableException", text)


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
    ("dynamodb", "BatchGetItem"): _batch_get,
    ("dynamodb", "CreateTable"): _table,
    ("dynamodb", "DeleteItem"): in_turn(_expressions, _key),
    ("dynamodb", "GetItem"): in_turn(_expressions, _key),
    ("dynamodb", "PutItem"): _expressions,
    ("dynamodb", "Query"): in_turn(_expressions, _key_condition, _query),
    ("dynamodb", "RestoreTableToPointInTime"): _restore,
    ("dynamodb", "Scan"): _expressions,
    ("dynamodb", "TransactGetItems"): _transact_get,
    ("dynamodb", "TransactWriteItems"): _transact,
    ("dynamodb", "UpdateItem"): in_turn(_expressions, _update),
    ("dynamodb", "UpdateTable"): _table,
    ("dynamodb", "UpdateTimeToLive"): _time_to_live,
}
