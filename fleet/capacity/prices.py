"""What instances cost: a dated table that ships, and how it is renewed from AWS's price list."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.errors import HousingError

if TYPE_CHECKING:
    import boto3

SHIPPED = Path(__file__).with_name("prices.json")


class PriceError(HousingError):
    """Prices cannot be read or renewed; one line."""


@dataclass(frozen=True)
class Instance:
    """One instance type: processors, memory and US dollars an hour of hosting."""

    vcpus: int
    memory_gib: float
    hour: float


@dataclass(frozen=True)
class PriceList:
    """Prices of one region on one day."""

    region: str
    date: str
    source: str
    serverless_gib_second: float
    instances: Mapping[str, Instance]


def read_prices(path: Path = SHIPPED) -> PriceList:
    """Read a price list.

    Raises
    ------
    PriceError
        With the file and what is wrong with it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        instances = {name: Instance(**values) for name, values in content.pop("instances").items()}
        return PriceList(**content, instances=instances)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PriceError(f"{path}: not a price list: {error}") from error


def write_prices(prices: PriceList, path: Path) -> None:
    """Write a price list that ``read_prices`` reads."""
    path.write_text(json.dumps(asdict(prices), indent=2) + "\n", encoding="utf-8")


def renew_prices(session: "boto3.Session", prices: PriceList, region: str) -> PriceList:
    """The same instance types at today's prices in ``region``, by AWS's Price List API.

    Instance types that the region does not have are left out.

    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html

    Raises
    ------
    PriceError
        Where it has none of them.
    """
    client = session.client("pricing", region_name="us-east-1")
    pages = client.get_paginator("get_products").paginate(
        ServiceCode="AmazonSageMaker",
        Filters=[
            {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
            {"Type": "TERM_MATCH", "Field": "component", "Value": "Hosting"},
        ],
    )
    products = (json.loads(text) for page in pages for text in page["PriceList"])
    hours = dict(hourly for product in products for hourly in _hosting_hours(product))
    instances = {
        name: replace(instance, hour=hours[name])
        for name, instance in prices.instances.items()
        if name in hours
    }
    if not instances:
        raise PriceError(f"AWS's price list has no hosting instances in region {region}")
    today = date.today().isoformat()
    return replace(
        prices,
        region=region,
        date=today,
        source=f"AWS Price List API, {today}; serverless as in the table of {prices.date}",
        instances=instances,
    )


def _hosting_hours(product: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    name = product["product"]["attributes"].get("instanceName", "")
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            price = float(dimension["pricePerUnit"].get("USD", "0"))
            if price > 0:
                yield name, price
