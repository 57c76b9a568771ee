"""What the registry says: the cities, which version serves each, and what it was trained on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from fleet.errors import HousingError
from fleet.names import CITIES_INDEX
from fleet.table import Table, chunks, operands
from fleet.versions import CITY_ITEM, SHARDS, City, Version

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_AT_ONCE = 1000


class RegistryError(HousingError):
    """The registry does not hold what is asked for, or does not allow it; one line."""


class RegistryConflictError(RegistryError):
    """Somebody else changed what was read; look again."""


class RegistryReader:
    """The registry of one stage, for those who change nothing.

    Parameters
    ----------
    client
        DynamoDB; may be used by several threads at once.
    table_name
        The output ``RegistryTableName`` of the storage stack.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._table = Table(client, table_name)

    def city(self, city: str) -> City | None:
        """What a city's own item says; None for a city that was never recorded."""
        item = self._table.get(city, CITY_ITEM)
        return None if item is None else City.from_item(item)

    def cities(self) -> list[City]:
        """All cities by name, the forgotten among them."""
        with ThreadPoolExecutor(SHARDS) as threads:
            shards = list(threads.map(self._shard, range(SHARDS)))
        return sorted((city for shard in shards for city in shard), key=lambda city: city.city)

    def each_city(self) -> Iterator[City]:
        """All cities in any order, however many, a page of them in memory at a time."""
        for shard in range(SHARDS):
            for item in self._table.each(**_of_shard(shard)):
                yield City.from_item(item)

    def each_of(self, names: Iterable[str]) -> Iterator[City]:
        """Those of these cities that are there, however many, some in memory at a time."""
        for some in chunks(sorted(set(names)), READ_AT_ONCE):
            yield from self.some_cities(some).values()

    def some_cities(self, names: Iterable[str]) -> dict[str, City]:
        """The own items of these cities, as far as they are there, by name."""
        items = self._table.get_many((name, CITY_ITEM) for name in sorted(set(names)))
        return {item["city"]: City.from_item(item) for item in items}

    def versions(self, city: str) -> list[Version]:
        """All versions of a city, in ascending order."""
        items = self._table.query(
            KeyConditionExpression="city = :city AND version > :own",
            ExpressionAttributeValues=operands(city=city, own=CITY_ITEM),
            ConsistentRead=True,
        )
        return [Version.from_item(item) for item in items]

    def version(self, city: str, number: int) -> Version:
        """One version of a city.

        Raises
        ------
        RegistryError
            Where there is none.
        """
        item = None if number == CITY_ITEM else self._table.get(city, number)
        if item is None:
            numbers = ", ".join(str(version.number) for version in self.versions(city))
            raise RegistryError(f"{city} has no version {number}; it has {numbers or 'none'}")
        return Version.from_item(item)

    def _shard(self, shard: int) -> list[City]:
        return [City.from_item(item) for item in self._table.each(**_of_shard(shard))]


def _of_shard(shard: int) -> dict[str, Any]:
    """The Query for the cities of a shard."""
    return {
        "IndexName": CITIES_INDEX,
        "KeyConditionExpression": "#shard = :shard",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": operands(shard=shard),
    }
