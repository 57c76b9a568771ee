"""What is told of DynamoDB's tables to be saved, after each kind of change."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import dynamodb

from localaws.ministack.state.table_items import Tables

ACCOUNT, REGION = "000000000000", "us-east-1"


@pytest.fixture(scope="module")
def tables() -> Iterator[Tables]:
    """Noting from here on; MiniStack's module is one for the whole process."""
    saved = Tables()
    yield saved
    dynamodb._tables._data.clear()


@pytest.fixture
def table(request: pytest.FixtureRequest, tables: Tables) -> str:
    name = request.node.name
    call("_create_table", TableName=name, BillingMode="PAY_PER_REQUEST", **SCHEMA)
    return str(name)


SCHEMA = {
    "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "city", "AttributeType": "S"}],
}


def call(operation: str, **data: Any) -> None:
    with request_scope(ACCOUNT, REGION):
        status, _, body = getattr(dynamodb, operation)(data)
    assert status == 200, json.loads(body)


def put(table: str, city: str, houses: int) -> None:
    call("_put_item", TableName=table, Item={"city": {"S": city}, "houses": {"N": str(houses)}})


def saved_items(tables: Tables, table: str) -> dict[str, str]:
    """City to houses, of one table."""
    items = tables.get_state()["items"]._data
    return {key[3]: item["houses"]["N"] for key, item in items.items() if key[2] == table}


def test_an_item_that_was_put_is_told(tables: Tables, table: str) -> None:
    put(table, "Paris", 1)
    assert saved_items(tables, table) == {"Paris": "1"}


def test_an_item_that_changed_after_it_was_told_is_told_again(tables: Tables, table: str) -> None:
    put(table, "Paris", 1)
    saved_items(tables, table)
    put(table, "Paris", 2)
    assert saved_items(tables, table) == {"Paris": "2"}


def test_an_item_that_was_deleted_is_told_no_more(tables: Tables, table: str) -> None:
    put(table, "Paris", 1)
    put(table, "Rome", 1)
    saved_items(tables, table)
    call("_delete_item", TableName=table, Key={"city": {"S": "Paris"}})
    assert saved_items(tables, table) == {"Rome": "1"}


def test_a_table_whose_items_were_replaced_as_a_whole_is_told_anew(
    tables: Tables, table: str
) -> None:
    put(table, "Paris", 1)
    saved_items(tables, table)
    key = next(key for key in dynamodb._tables._data if key[2] == table)
    dynamodb._tables._data[key]["items"] = {"Rome": {"": {"city": "Rome", "houses": {"N": "3"}}}}
    assert saved_items(tables, table) == {"Rome": "3"}


def test_a_table_that_was_deleted_has_no_items(tables: Tables, table: str) -> None:
    put(table, "Paris", 1)
    saved_items(tables, table)
    call("_delete_table", TableName=table)
    assert saved_items(tables, table) == {}
