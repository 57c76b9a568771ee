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
    condition = "last_version = :last" if last else "attribute_not_exists(last_version)"
    bump = _update(
        table,
        version.city,
        CITY_ITEM,
        {"last_version": version.number, "shard": shard_of(version.city)},
        condition=f"{condition} AND attribute_not_exists(forgotten)",
        compared={"last": last} if last else {},
    )
    put = {
        "TableName": table,
        "Item": attributes(version.to_item()),
        "ConditionExpression": "attribute_not_exists(city)",
    }
    return Change(version.city, [bump, {"Put": put}])


def promotion(
    table: str, city: City, version: Version, was: State, *, withdraw: bool = False
) -> Change:
    """``version`` in place of what serves; ``withdraw`` that one, and keep ``previous``."""
    facts = {**version.trained.to_item(), "serving": version.number, "since": version.promoted}
    previous = city.previous if withdraw else city.serving
    unchanged = "serving = :read" if city.serving else "attribute_not_exists(serving)"
    own = _update(
        table,
        city.city,
        CITY_ITEM,
        facts if previous is None else {**facts, "previous": previous},
        remove=("previous",) if previous is None else (),
        condition=f"{unchanged} AND attribute_not_exists(forgotten)",
        compared={"read": city.serving} if city.serving else {},
    )
    coming = {
        "state": version.state,
        "promoted": version.promoted,
        "forced": version.verdict.forced,
        "withdrawn": False,
    }
    actions = [own, _version(table, city.city, version.number, was, coming)]
    if city.serving is not None:
        going = {"state": State.RETIRED, "withdrawn": withdraw}
        actions.append(_version(table, city.city, city.serving, State.SERVING, going))
    return Change(city.city, actions)


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


def _version(
    table: str, city: str, number: int, was: State, values: Mapping[str, Any]
) -> dict[str, Any]:
    """A change of one version's item, if its state is still what was read."""
    return _update(table, city, number, values, condition="#state = :was", compared={"was": was})


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
    """An Update of a transaction: set ``values``, each by a placeholder of its own name."""
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
            "ExpressionAttributeValues": operands(**values, **compared),
        }
    }
