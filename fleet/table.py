"""A DynamoDB table of one partition a city, read and changed in batches.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from fleet.errors import HousingError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRANSACTION_ITEMS = 100
GET_ITEMS = 100
WRITE_ITEMS = 25
ATTEMPTS = 10
THREADS = 8

Item = dict[str, Any]
T = TypeVar("T")
_serialize: Callable[[Any], Any] = TypeSerializer().serialize
_deserialize: Callable[[Any], Any] = TypeDeserializer().deserialize


@dataclass(frozen=True)
class Change:
    """Actions of a TransactWriteItems that happen to one city: all of them or none."""

    city: str
    actions: Sequence[Mapping[str, Any]]


class TableError(HousingError):
    """The table went on being busy; one line."""


class Table:
    """Partition key ``city``, sort key ``version``; ``client`` may be used by several threads."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    def get(self, city: str, version: int) -> Item | None:
        """An item as it is now."""
        answer = self._client.get_item(
            TableName=self.name, Key=key(city, version), ConsistentRead=True
        )
        return _plain(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[tuple[str, int]]) -> list[Item]:
        """Those of the items that are there, in any order."""
        batches = chunks([key(city, version) for city, version in keys], GET_ITEMS)
        with ThreadPoolExecutor(THREADS) as threads:
            return [item for found in threads.map(self._get_batch, batches) for item in found]

    def query(self, **request: Any) -> list[Item]:
        """All items that a Query finds."""
        return list(self.each(**request))

    def each(self, **request: Any) -> Iterator[Item]:
        """The items that a Query finds, page after page."""
        pages = self._client.get_paginator("query").paginate(TableName=self.name, **request)
        return (_plain(item) for page in pages for item in page["Items"])

    def transact(self, changes: Iterable[Change]) -> set[str]:
        """Make the changes; the cities whose conditions did not hold, and that stay as they were.

        Raises
        ------
        TableError
            When DynamoDB goes on being too busy.
        """
        with ThreadPoolExecutor(THREADS) as threads:
            lost = threads.map(self._transact, _packed(changes))
            return {city for cities in lost for city in cities}

    def delete(self, keys: Iterable[tuple[str, int]]) -> None:
        """Delete items, whether they are there or not."""
        requests = [{"DeleteRequest": {"Key": key(city, version)}} for city, version in keys]
        for chunk in chunks(requests, WRITE_ITEMS):
            waiting: Any = {self.name: chunk}
            for attempt in _attempts():
                waiting = self._client.batch_write_item(RequestItems=waiting)["UnprocessedItems"]
                if not waiting:
                    break
                pause(attempt)

    def _get_batch(self, keys: Sequence[Item]) -> list[Item]:
        items: list[Item] = []
        waiting: Any = {self.name: {"Keys": list(keys), "ConsistentRead": True}}
        for attempt in _attempts():
            answer = self._client.batch_get_item(RequestItems=waiting)
            items += [_plain(item) for item in answer["Responses"].get(self.name, [])]
            waiting = answer.get("UnprocessedKeys")
            if not waiting:
                break
            pause(attempt)
        return items

    def _transact(self, changes: Sequence[Change]) -> set[str]:
        """One transaction; what fails it is left out, and the others are tried again."""
        lost: set[str] = set()
        waiting = list(changes)
        for attempt in _attempts():
            actions: Any = [action for change in waiting for action in change.actions]
            try:
                self._client.transact_write_items(TransactItems=actions)
                break
            except self._client.exceptions.TransactionCanceledException as error:
                failed = _cities_that_failed(error, waiting)
            except self._client.exceptions.TransactionInProgressException:
                failed = set()
            lost |= failed
            waiting = [change for change in waiting if change.city not in failed]
            if not waiting:
                break
            if not failed:
                pause(attempt)
        return lost


def _cities_that_failed(error: ClientError, changes: Sequence[Change]) -> set[str]:
    """The cities whose own condition cancelled the transaction, not a collision with others."""
    reasons = error.response.get("CancellationReasons", [])
    cities = [change.city for change in changes for _ in change.actions]
    pairs = list(zip(cities, reasons, strict=True))
    refusals = [reason for reason in reasons if reason["Code"] == "ValidationError"]
    if refusals:
        raise error
    return {city for city, reason in pairs if reason["Code"] == "ConditionalCheckFailed"}


def _attempts() -> Iterator[int]:
    """Numbers of attempts.

    Raises
    ------
    TableError
        When they are used up.
    """
    yield from range(ATTEMPTS)
    raise TableError(f"DynamoDB was too busy {ATTEMPTS} times in a row; try again later")


def pause(attempt: int) -> None:
    """Wait, longer each time, and not all clients alike."""
    time.sleep(random.uniform(0, 0.05 * 2 ** min(attempt, 6)))


def key(city: str, version: int) -> Item:
    """The key of an item."""
    return {"city": {"S": city}, "version": {"N": str(version)}}


def attributes(values: Mapping[str, Any]) -> Item:
    """Attributes as the API writes them."""
    return {name: _serialize(value) for name, value in values.items()}


def operands(**values: Any) -> Item:
    """``ExpressionAttributeValues``, the names without their colons."""
    return {f":{name}": _serialize(value) for name, value in values.items()}


def chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values in lists of at most ``size``."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def _packed(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """As many changes to a transaction as it takes."""
    packed: list[Change] = []
    size = 0
    for change in changes:
        if packed and size + len(change.actions) > TRANSACTION_ITEMS:
            yield packed
            packed, size = [], 0
        packed.append(change)
        size += len(change.actions)
    if packed:
        yield packed


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _deserialize(value) for name, value in item.items()}
