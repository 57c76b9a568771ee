"""A tenant reads its own city's item of the registry, and nothing else of the table."""

from typing import Any

import boto3
import pytest

from fleet.names import CITIES_INDEX
from fleet.registry import Registry
from tests.local.access.conftest import Access, outcome
from tests.local.registry.conftest import draft

OWN, OTHER = "NewYork_NY", "Chicago_IL"


@pytest.fixture(scope="module")
def table(access: Access) -> str:
    """The deployed registry, in which both cities serve."""
    name = access.deployment.require("registry_table_name")
    registry = Registry(access.aws.session().client("dynamodb"), name)
    registry.promote(list(registry.record([draft(OWN), draft(OTHER)]).versions.values()))
    return name


@pytest.fixture(params=["tenant", "restricted"])
def session(request: pytest.FixtureRequest, access: Access) -> boto3.Session:
    """A session for New York: by its tag, and by its own role."""
    return access.tenant(("City", OWN)) if request.param == "tenant" else access.role("NewYork")


def test_it_learns_which_of_its_versions_serves(session: boto3.Session, table: str) -> None:
    city = Registry(session.client("dynamodb"), table).city(OWN)
    assert city is not None
    assert city.target_model == "NewYork_NY/NewYork_NY.tar.gz"


def key(city: str) -> dict[str, Any]:
    return {"city": {"S": city}, "version": {"N": "0"}}


ATTACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "another city's item": ("get_item", {"Key": key(OTHER)}),
    "another city in other letters": ("get_item", {"Key": key(OWN.lower())}),
    "a city that begins alike": ("get_item", {"Key": key(f"{OWN}C")}),
    "a wildcard": ("get_item", {"Key": key("*")}),
    "writing its own item": ("put_item", {"Item": key(OWN)}),
    "deleting its own item": ("delete_item", {"Key": key(OWN)}),
    "reading the whole table": ("scan", {}),
    "listing the cities": (
        "query",
        {
            "IndexName": CITIES_INDEX,
            "KeyConditionExpression": "#s = :s",
            "ExpressionAttributeNames": {"#s": "shard"},
            "ExpressionAttributeValues": {":s": {"N": "0"}},
        },
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_gets_nothing_else(session: boto3.Session, table: str, attack: str) -> None:
    operation, request = ATTACKS[attack]
    call = getattr(session.client("dynamodb"), operation)
    answer = outcome(lambda: call(TableName=table, **request))
    assert answer.code == "AccessDeniedException", answer


def test_no_batch_smuggles_another_city_in(session: boto3.Session, table: str) -> None:
    client = session.client("dynamodb")
    both: Any = [key(OWN), key(OTHER)]
    batch = outcome(lambda: client.batch_get_item(RequestItems={table: {"Keys": both}}))
    transaction = outcome(
        lambda: client.transact_get_items(
            TransactItems=[{"Get": {"TableName": table, "Key": each}} for each in both]
        )
    )
    assert {batch.code, transaction.code} == {"AccessDeniedException"}
