"""The changes of the registry, each conditional on what was read: transactions of DynamoDB.

A city's own item and the items of its versions change together or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
        condition=_still({"last_version": last}),
        compared={"last_version": last},
    )
    return Change(version.city, [bump, _new(table, version)])


def introduction(table: str, city: City, version: Version) -> Change:
    """Take the number, put the version and let it serve, if ``city`` is still what was read."""
    title = version.trained.title
    serving = City(
        city.city,
        last_version=version.number,
        serving=version.number,
        previous=city.serving,
        since=version.promoted,
        # A retraining knows files by their keys alone: the name that is there stays.
        trained=replace(version.trained, name=city.title if title == city.city else title),
    )
    read = {"last_version": city.last_version, "serving": city.serving}
    own = _put(table, serving.to_item(), _still(read), read)
    return Change(city.city, [own, _new(table, version), *_retirement(table, city)])


def promotion(
    table: str, city: City, version: Version, was: State, *, withdraw: bool = False
) -> Change:
    """``version`` in place of what serves; ``withdraw`` that one, and keep ``previous``."""
    previous = city.previous if withdraw else city.serving
    own = _serve(table, city, version, previous)
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
    last = {"last_version": city.last_version}
    put = _put(table, city.to_item(), _unchanged("last_version", city.last_version), last)
    return Change(city.city, [put])


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


def _serve(table: str, city: City, version: Version, previous: int | None) -> dict[str, Any]:
    """The city's own item says that a version serves, if what serves is still what was read."""
    facts = {**version.trained.to_item(), "serving": version.number, "since": version.promoted}
    read = {"serving": city.serving}
    return _update(
        table,
        city.city,
        CITY_ITEM,
        facts if previous is None else {**facts, "previous": previous},
        remove=("previous",) if previous is None else (),
        condition=_still(read),
        compared=read,
    )


def _still(read: Mapping[str, int | None]) -> str:
    """The condition that numbers of a city's item are what was read, and that it is not dead."""
    unchanged = [_unchanged(name, value) for name, value in read.items()]
    return " AND ".join([*unchanged, "attribute_not_exists(forgotten)"])


def _unchanged(name: str, value: int | None) -> str:
    """The condition that a number is what was read; none was, where it is None or 0."""
    return f"{name} = :read_{name}" if value else f"attribute_not_exists({name})"


def _new(table: str, version: Version) -> dict[str, Any]:
    return _put(table, version.to_item(), "attribute_not_exists(city)", {})


def _put(
    table: str, item: Mapping[str, Any], condition: str, compared: Mapping[str, Any]
) -> dict[str, Any]:
    """A Put of a transaction; what was read is ``compared`` as ``:read_<name>``."""
    put = {"TableName": table, "Item": attributes(item), "ConditionExpression": condition}
    values = _read(compared)
    return {"Put": {**put, "ExpressionAttributeValues": values} if values else put}


def _read(compared: Mapping[str, Any]) -> dict[str, Any]:
    return operands(**{f"read_{name}": value for name, value in compared.items() if value})


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
            "ExpressionAttributeValues": {**operands(**values), **_read(compared)},
        }
    }
