"""The changes of the registry, each conditional on what was read: transactions of DynamoDB.

A city's own item and the items of its versions change together or not at all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fleet.table import Change, attributes, key, operands
from fleet.versions import CITY_ITEM, City, State, Version, shard_of


def draw(table: str, version: Version) -> Change:
    """Take the number and put the version, if the number before is the last one drawn."""
    last = version.number - 1
    bump = _update(
        table,
        version.city,
        CITY_ITEM,
        {"last_version": version.number, "shard": shard_of(version.city)},
        condition=f"{_unchanged('last_version', last)} AND attribute_not_exists(forgotten)",
        compared={"last_version": last},
    )
    return Change(version.city, [bump, _put(table, version)])


def introduction(table: str, city: City, version: Version) -> Change:
    """Take the number, put the version and let it serve, if ``city`` is still what was read."""
    numbers = {"last_version": version.number, "shard": shard_of(version.city)}
    read = {"last_version": city.last_version, "serving": city.serving}
    own = _serve(table, city, version, city.serving, numbers, read)
    return Change(city.city, [own, _put(table, version), *_retirement(table, city)])


def promotion(
    table: str, city: City, version: Version, was: State, *, withdraw: bool = False
) -> Change:
    """``version`` in place of what serves; ``withdraw`` that one, and keep ``previous``."""
    previous = city.previous if withdraw else city.serving
    own = _serve(table, city, version, previous, {}, {"serving": city.serving})
    coming = {
        "state": version.state,
        "promoted": version.promoted,
        "forced": version.verdict.forced,
        "withdrawn": False,
    }
    promoted = _version(table, city.city, version.number, was, coming)
    return Change(city.city, [own, promoted, *_retirement(table, city, withdraw=withdraw)])


def deletion(table: str, version: Version) -> Change:
    """The version is deleted, if its state is still what was read."""
    gone = {"state": State.DELETED}
    return Change(
        version.city, [_version(table, version.city, version.number, version.state, gone)]
    )


def tombstone(table: str, city: City) -> Change:
    """In place of a city's item, if no number was drawn meanwhile."""
    item = {
        "city": city.city,
        "version": CITY_ITEM,
        "shard": shard_of(city.city),
        "last_version": city.last_version,
        "forgotten": city.forgotten,
    }
    put = {
        "TableName": table,
        "Item": attributes(item),
        "ConditionExpression": "last_version = :last",
        "ExpressionAttributeValues": operands(last=city.last_version),
    }
    return Change(city.city, [{"Put": put}])


def readmission(table: str, city: City) -> Change:
    """The tombstone becomes a city without versions."""
    update = {
        "TableName": table,
        "Key": key(city.city, CITY_ITEM),
        "UpdateExpression": "REMOVE forgotten",
        "ConditionExpression": "forgotten = :read",
        "ExpressionAttributeValues": operands(read=city.forgotten),
    }
    return Change(city.city, [{"Update": update}])


def _serve(
    table: str,
    city: City,
    version: Version,
    previous: int | None,
    also: Mapping[str, Any],
    read: Mapping[str, int | None],
) -> dict[str, Any]:
    """The city's own item says that a version serves, if it is still what was ``read``."""
    facts = {
        **also,
        **version.trained.to_item(),
        "serving": version.number,
        "since": version.promoted,
    }
    unchanged = [_unchanged(name, value) for name, value in read.items()]
    return _update(
        table,
        city.city,
        CITY_ITEM,
        facts if previous is None else {**facts, "previous": previous},
        remove=("previous",) if previous is None else (),
        condition=" AND ".join([*unchanged, "attribute_not_exists(forgotten)"]),
        compared=read,
    )


def _unchanged(name: str, value: int | None) -> str:
    """The condition that a number is what was read; none was, where it is None or 0."""
    return f"{name} = :read_{name}" if value else f"attribute_not_exists({name})"


def _put(table: str, version: Version) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": table,
            "Item": attributes(version.to_item()),
            "ConditionExpression": "attribute_not_exists(city)",
        }
    }


def _retirement(table: str, city: City, *, withdraw: bool = False) -> list[dict[str, Any]]:
    """What serves now does so no more; nothing, where nothing serves."""
    if city.serving is None:
        return []
    going = {"state": State.RETIRED, "withdrawn": withdraw}
    return [_version(table, city.city, city.serving, State.SERVING, going)]


def _version(
    table: str, city: str, number: int, was: State, values: Mapping[str, Any]
) -> dict[str, Any]:
    """A change of one version's item, if its state is still what was read."""
    return _update(
        table, city, number, values, condition="#state = :read_state", compared={"state": was}
    )


def _update(
    table: str,
    city: str,
    version: int,
    values: Mapping[str, Any],
    *,
    condition: str,
    compared: Mapping[str, Any],
    remove: Sequence[str] = (),
) -> dict[str, Any]:
    """An Update of a transaction: set ``values``, each by a placeholder of its own name.

    What was read is ``compared`` as ``:read_<name>``.
    """
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
    if remove:
        expression += " REMOVE " + ", ".join(remove)
    return {
        "Update": {
            "TableName": table,
            "Key": key(city, version),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": operands(
                **values, **{f"read_{name}": value for name, value in compared.items() if value}
            ),
        }
    }
