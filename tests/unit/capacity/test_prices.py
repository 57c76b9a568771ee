import json
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from fleet.capacity.prices import PriceError, read_prices, renew_prices, write_prices


class Account:
    """A session whose price list holds the given hosting prices a product."""

    def __init__(self, hours: dict[str, str]) -> None:
        self.pricing = boto3.client(
            "pricing", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        answer = {
            "FormatVersion": "aws_v1",
            "PriceList": [product(*item) for item in hours.items()],
        }
        stubber = Stubber(self.pricing)
        stubber.add_response("get_products", answer)
        stubber.activate()

    def client(self, name: str, region_name: str) -> object:
        assert (name, region_name) == ("pricing", "us-east-1")
        return self.pricing


def product(name: str, hour: str) -> str:
    price = {"priceDimensions": {"d": {"unit": "Hrs", "pricePerUnit": {"USD": hour}}}}
    attributes = {"instanceName": name, "component": "Hosting"}
    return json.dumps({"product": {"attributes": attributes}, "terms": {"OnDemand": {"t": price}}})


def test_the_shipped_list_names_its_region_date_and_source() -> None:
    prices = read_prices()
    assert prices.region == "us-east-1"
    assert prices.date > "2026"
    assert "price list" in prices.source


def test_a_written_list_is_read_back(tmp_path: Path) -> None:
    write_prices(read_prices(), tmp_path / "prices.json")
    assert read_prices(tmp_path / "prices.json") == read_prices()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"instances": {"ml.m5.large": {"hour": 1}}}'])
def test_what_is_no_price_list_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(PriceError, match=r"prices\.json: not a price list"):
        read_prices(path)


def test_renewed_prices_are_those_of_aws_for_instances_that_the_region_has() -> None:
    account = Account({"ml.m5.xlarge": "0.2570000000", "ml.p4d.24xlarge": "40.1"})
    renewed = renew_prices(account, read_prices(), "eu-west-1")  # type: ignore[arg-type]
    assert {name: i.hour for name, i in renewed.instances.items()} == {"ml.m5.xlarge": 0.257}
    assert renewed.region == "eu-west-1"


def test_a_region_without_hosting_is_named() -> None:
    with pytest.raises(PriceError, match="no hosting instances in region mars-1"):
        renew_prices(Account({}), read_prices(), "mars-1")  # type: ignore[arg-type]
