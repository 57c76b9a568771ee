"""Which keys and lines are of one city, and not of one whose name is longer."""

import json

import pytest

from fleet.forgetting import SHARED, mentions, names_city, without_city

OF_PARIS = [
    "models/Paris/Paris.tar.gz",
    "models/Paris/Paris-v12.tar.gz",
    "incoming/Paris.csv",
    "raw/0123456789abcdef/train/Paris.csv",
    "raw/fleet/Paris/0123.csv",
    "preprocessed/transformed/0123/Paris.csv.out",
    "preprocessed/Paris/0123/train.csv",
    "jobs/housing-dev-fleet-0123456789ab/output/model/Paris/model.tar.gz",
    "jobs/housing-dev-Paris-0123456789ab/output/model.tar.gz",
    "jobs/housing-dev-Paris-0123456789ab-2/output/model.tar.gz",
]
OF_OTHERS = [
    "models/Paris_FR/Paris_FR.tar.gz",
    "models/Paris_FR/Paris_FR-v2.tar.gz",
    "raw/0123456789abcdef/train/Paris_FR.csv",
    "raw/0123456789abcdef/train/NewParis.csv",
    "jobs/housing-dev-Paris-FR-0123456789ab/output/model.tar.gz",
    "jobs/housing-prod-Paris-0123456789ab/output/model.tar.gz",
    "jobs/housing-dev-fleet-0123456789ab/output/model/reports/algo-1.jsonl",
]


@pytest.mark.parametrize("key", OF_PARIS)
def test_a_key_of_the_city_is_found(key: str) -> None:
    assert names_city("Paris", "dev")(key)


@pytest.mark.parametrize("key", OF_OTHERS)
def test_a_key_of_others_is_left_alone(key: str) -> None:
    assert not names_city("Paris", "dev")(key)


@pytest.mark.parametrize(
    "name",
    ["reports/algo-1.jsonl", "cities.json", "cities.manifest", "serving.manifest", "report.html"],
)
def test_files_that_cities_share_are_looked_into(name: str) -> None:
    assert SHARED.search(f"jobs/retraining/0123/{name}")


def test_a_report_loses_the_citys_line_alone() -> None:
    report = b'{"city": "Paris"}\n{"city": "Paris_FR"}\n'
    assert mentions(report, "Paris")
    assert without_city(report, "Paris") == b'{"city": "Paris_FR"}\n'
    assert without_city(b'{"city": "Paris"}\n', "Paris") == b""
    assert not mentions(b'{"city": "Paris_FR"}', "Paris")


def test_fingerprints_and_a_manifest_lose_the_citys_entry_alone() -> None:
    assert json.loads(without_city(b'{"Paris": "1", "Paris_FR": "2"}', "Paris")) == {
        "Paris_FR": "2"
    }
    nested = b'{"failures": {"Paris": "bad"}, "cities": {"Paris_FR": {}, "Paris": {"rows": 1}}}'
    assert json.loads(without_city(nested, "Paris")) == {"failures": {}, "cities": {"Paris_FR": {}}}
    manifest = json.dumps([{"prefix": "s3://b/"}, "raw/1/Paris.csv", "raw/1/Paris_FR.csv"])
    cleaned = json.loads(without_city(manifest.encode(), "Paris"))
    assert cleaned == [{"prefix": "s3://b/"}, "raw/1/Paris_FR.csv"]
