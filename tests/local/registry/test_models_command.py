"""``housing models`` as people run it, on a stage whose storage stack is deployed."""

import hashlib
import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fleet.deployment import find_deployment
from fleet.drift import SHIFTED, STABLE, describe_columns
from fleet.gate import GateRules
from fleet.publishing import Publisher
from fleet.registry import Registry
from fleet.versions import Candidate, Version
from localaws.testing import LocalAws
from tests.local.commands import housing
from tests.local.conftest import StageOf
from tests.local.registry.conftest import candidate
from training.houses import COLUMNS, Market
from training.linear_learner.artifact import write_artifact
from training.linear_learner.model import LinearModel, PredictorType
from training.table import columns_of


@dataclass(frozen=True)
class Store:
    """A deployed storage stack with a registry."""

    aws: LocalAws
    bucket: str
    registry: Registry

    def serve(self, city: str, weight: float, **facts: object) -> Version:
        """Train (in a word) and publish a model with this weight."""
        model = LinearModel(PredictorType.REGRESSOR, "absolute_loss", [[weight]], [1.0])  # type: ignore[arg-type]
        body = write_artifact(model)
        s3 = self.aws.session().client("s3")
        key = f"jobs/housing-dev-fleet-0123456789ab/output/model/{city}/model.tar.gz"
        s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        digest = hashlib.sha256(body).hexdigest()
        trained: Candidate = candidate(city, digest, artifact_key=key, **facts)
        publisher = Publisher(self.registry, s3, self.bucket, GateRules())
        [publication] = publisher.publish([trained])
        assert publication.version is not None, publication
        return publication.version

    def run(self, *arguments: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
        return housing(self.aws, "models", *arguments, answer=answer)


@pytest.fixture(scope="module")
def store(bootstrapped: LocalAws, dev: StageOf) -> Store:
    dev(bootstrapped).deploy("storage")
    session = bootstrapped.session()
    deployment = find_deployment(session, "dev")
    registry = Registry(session.client("dynamodb"), deployment.require("registry_table_name"))
    return Store(bootstrapped, deployment.require("bucket_name"), registry)


def test_a_citys_life(store: Store) -> None:
    """One test, for each command takes seconds: promote, roll back, retire, forget, come back."""
    for weight in (1.0, 2.0, 3.0):
        store.serve("Chicago_IL", weight)
    store.serve("Paris", 1.0)

    listed = json.loads(store.run("list", "--json").stdout)
    assert [(city["city"], city["version"]) for city in listed] == [("Chicago_IL", 3), ("Paris", 1)]

    rolled = json.loads(store.run("rollback", "Chicago_IL", "--json").stdout)
    assert rolled["version"] == 2

    different = store.run("diff", "Chicago_IL", "2", "3").stdout
    assert [line.split() for line in different.splitlines() if "weight" in line] == [
        ["weight", "1", "2", "3"]
    ]

    assert store.run("retire", "Chicago_IL", "3", answer="n\n").returncode == 1
    assert store.run("retire", "Chicago_IL", "3", "--yes").returncode == 0
    refused = store.run("retire", "Chicago_IL", "2", "--yes")
    assert "version 2 of Chicago_IL serves" in refused.stderr
    assert store.serve("Chicago_IL", 4.0).number == 4

    shown = store.run("show", "Chicago_IL").stdout
    assert "version 4 serves since" in shown
    assert "version 3: withdrawn by a roll-back" in shown
    verified = store.run("verify")
    assert verified.stdout == "all agree\n"

    receipt = json.loads(store.run("forget", "Chicago_IL", "--yes", "--json").stdout)
    assert receipt["last_version"] == 4
    assert receipt["objects"]["models"] >= 3
    proof = store.run("verify", "--forgotten", "Chicago_IL")
    assert (proof.returncode, proof.stdout) == (0, "nothing is left\n")
    forgotten = json.loads(store.run("list", "--forgotten", "--json").stdout)
    assert [city["city"] for city in forgotten] == ["Chicago_IL"]

    store.registry.readmit("Chicago_IL")
    assert store.serve("Chicago_IL", 1.0).number == 5
    assert store.registry.city("Paris") is not None


def test_drift_is_told_by_column_against_the_training_rows(store: Store, tmp_path: Path) -> None:
    trained, later = Market().houses("Bonn", 400), Market(seed=1).houses("Bonn", 400)
    store.serve("Bonn", 1.0, columns=describe_columns(columns_of(trained)))
    file = tmp_path / "today.csv"
    larger = replace(later, values={**later.values, "SQUARE_FEET": later["SQUARE_FEET"] * 1.5})
    file.write_text(f"{','.join(COLUMNS)}\n{larger.to_csv()}")
    told = json.loads(store.run("drift", "Bonn", "--csv", str(file), "--json").stdout)
    assert (told["target_model"], told["rows"]) == ("Bonn/Bonn.tar.gz", 400)
    assert told["columns"].pop("SQUARE_FEET") > SHIFTED
    assert max(told["columns"].values()) < STABLE
    assert "shifted" in store.run("drift", "Bonn", "--csv", str(file)).stdout


def test_what_was_put_into_the_bucket_behind_the_registrys_back_is_named(store: Store) -> None:
    s3 = store.aws.session().client("s3")
    key = "models/Rome/Rome-v9.tar.gz"
    s3.put_object(Bucket=store.bucket, Key=key, Body=b"x", IfNoneMatch="*")
    served = store.serve("Oslo", 1.0)
    s3.delete_object(Bucket=store.bucket, Key=served.key)
    found = json.loads(store.run("verify", "--json").stdout)
    assert found == [
        "Oslo: version 1 serves, and Oslo/Oslo.tar.gz is not in the bucket",
        "Rome/Rome-v9.tar.gz: in the bucket, and the registry knows nothing of it",
    ]


def test_the_bucket_refuses_to_overwrite_a_model(store: Store) -> None:
    s3 = store.aws.session().client("s3")
    served = store.serve("Bern", 1.0)
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket=store.bucket, Key=served.key, Body=b"other")
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=store.bucket, Key=served.key, Body=b"other", IfNoneMatch="*")


def test_a_city_that_never_was_is_one_line(store: Store) -> None:
    shown = store.run("show", "Nowhere")
    assert shown.returncode == 1
    assert shown.stderr.startswith("housing: the registry does not have Nowhere; there are ")
    assert len(shown.stderr.splitlines()) == 1


def test_a_city_that_is_nearly_there_is_proposed(store: Store) -> None:
    store.serve("Zurich", 1.0, name="Zürich")
    shown = store.run("show", "zurich")
    assert shown.stderr == "housing: the registry does not have zurich; did you mean Zürich?\n"
