"""What MiniStack's DynamoDB lacks: the condition key of the items that a request is about.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb

from localaws.ministack import patches
from localaws.ministack.dynamodb.transactions import read_once

LEADING_KEYS = "dynamodb:LeadingKeys"

Document = Mapping[str, Any]
_EQUALS = re.compile(r"(#?[\w.]{1,255})\s{0,100}=\s{0,100}(:\w{1,255})")


def install() -> None:
    """Give every authorization of DynamoDB the partition keys that the request names."""
    patches.replace(iam_actions, "dynamodb_service_context", _with_leading_keys)


def _with_leading_keys(
    context_of: Callable[[bytes], dict[str, Any]],
) -> Callable[[bytes], dict[str, Any]]:
    def context(body: bytes) -> dict[str, Any]:
        keys = leading_keys(body)
        found = context_of(body)
        return {**found, LEADING_KEYS: keys} if keys else found

    return context


def leading_keys(body: bytes) -> list[str]:
    """The partition keys that a request names; none for those that read whole tables."""
    try:
        request = _document(read_once(body or b"{}"))
    except ValueError:
        return []
    keys = {key for name, part in _parts(request) for key in _keys(name, part)}
    return sorted(keys)


def _parts(request: Document) -> Iterable[tuple[str, Document]]:
    """Each part of a request that is about one table, with the table's name."""
    yield from _named(request)
    for action in _list(request.get("TransactItems")):
        for part in _document(action).values():
            yield from _named(_document(part))
    for name, part in _document(request.get("RequestItems")).items():
        if isinstance(part, Mapping):
            for key in _list(part.get("Keys")):
                yield name, {"Key": key}
        for action in _list(part):
            for write in _document(action).values():
                yield name, _document(write)


def _named(part: Document) -> Iterable[tuple[str, Document]]:
    name = part.get("TableName")
    if isinstance(name, str):
        yield name, part


def _keys(table_name: str, part: Document) -> Iterable[str]:
    table: Document | None = dynamodb._tables.get(table_name.rpartition("/")[2])
    if table is None:
        return
    partition_key = _partition_key(table, part.get("IndexName"))
    values = [_document(part.get(member)).get(partition_key) for member in ("Key", "Item")]
    values.append(_queried(part, partition_key))
    for value in values:
        for text in _document(value).values():
            yield str(text)


def _partition_key(table: Document, index: Any) -> str:
    indexes = [*table["GlobalSecondaryIndexes"], *table["LocalSecondaryIndexes"]]
    schemas = {each["IndexName"]: each["KeySchema"] for each in indexes}
    schema: Any = schemas.get(index, table["KeySchema"])
    return next(str(key["AttributeName"]) for key in schema if key["KeyType"] == "HASH")


def _queried(query: Document, partition_key: str) -> Any:
    """The value that a Query compares the partition key with."""
    condition = _document(_document(query.get("KeyConditions")).get(partition_key))
    for value in _list(condition.get("AttributeValueList")):
        return value
    names = _document(query.get("ExpressionAttributeNames"))
    values = _document(query.get("ExpressionAttributeValues"))
    for name, placeholder in _EQUALS.findall(str(query.get("KeyConditionExpression", ""))):
        if names.get(name, name) == partition_key:
            return values.get(placeholder)
    return None


def _document(value: Any) -> Document:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
