"""The script of the fleet job, run as the toolkit runs it, and what it makes of each city."""

import json
import os
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleet.drift import describe_columns
from localaws.artifacts import unpack
from localaws.containers.process_host import ProcessHost
from tests.unit.programs import Program, start_program
from tests.unit.training.fleet_trainer.fitted import (
    URL,
    city_file,
    write_cities,
    write_preprocessor,
)
from tests.unit.training.preprocessors import SCHEMA
from training.dataset import split_lines
from training.fleet_trainer import program
from training.fleet_trainer.cities import split_rows
from training.fleet_trainer.request import PROGRAM, source
from training.houses import Market
from training.linear_learner.artifact import read_artifact_bytes, write_artifact
from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.predictor import predict
from training.linear_learner.trainer import train
from training.linear_learner.wire import read_training_csv
from training.preprocessor import sklearn_preprocessor
from training.table import split

HYPERPARAMETERS = {
    "feature_dim": "10",
    "mini_batch_size": "20",
    "predictor_type": "regressor",
    "epochs": "6",
    "loss": "absolute_loss",
}
GOOD = {f"City{number:02}_AA": city_file(f"City{number:02}_AA", 90 + number) for number in range(9)}
BAD = {
    "Broken_AA": city_file("Broken_AA").replace(b",y,", b",maybe,", 1),
    "Small_AA": city_file("Small_AA", 12),
}


def test_of_an_archive_only_files_below_the_folder_are_written(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        for name in ("code/script.py", "../outside.py", str(outside), "code/../../outside.py"):
            archive.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("up")
        link.type, link.linkname = tarfile.SYMTYPE, ".."
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("up/outside.py"))
    program.unpack(tmp_path / "model.tar.gz", tmp_path / "model")
    found = {path.relative_to(tmp_path / "model") for path in (tmp_path / "model").rglob("*.py")}
    assert found == {Path("code/script.py"), Path("up/outside.py")}
    assert not outside.exists()


class Job:
    """A source, unpacked as the toolkit unpacks it, and a preprocessor."""

    def __init__(self, processes: ProcessHost, directory: Path) -> None:
        self.processes = processes
        self.directory = directory
        self.preprocessor = write_preprocessor(directory / "preprocessor")
        unpack(source(), directory / "code")

    def environment(self, cities: Path, model: Path, host: str, cores: int) -> dict[str, str]:
        hyperparameters = {**HYPERPARAMETERS, "test_share": 0.1, "preprocessor_url": URL}
        return {
            "PATH": os.environ["PATH"],
            "SM_CURRENT_HOST": host,
            "SM_NUM_CPUS": str(cores),
            "SM_MODEL_DIR": str(model),
            "SM_CHANNEL_CITIES": str(cities),
            "SM_CHANNEL_PREPROCESSOR": str(self.preprocessor.parent),
            "SM_HPS": json.dumps(hyperparameters),
        }

    def start(
        self,
        cities: Path,
        model: Path,
        host: str = "algo-1",
        cores: int = 2,
        serving: Path | None = None,
    ) -> Program:
        model.mkdir(parents=True, exist_ok=True)
        channel = {} if serving is None else {"SM_CHANNEL_SERVING": str(serving)}
        environment = {**self.environment(cities, model, host, cores), **channel}
        code = self.directory / "code"
        return start_program(self.processes, code / PROGRAM, code, environment)

    def run(
        self,
        cities: Path,
        model: Path,
        host: str = "algo-1",
        cores: int = 2,
        serving: Path | None = None,
    ) -> str:
        code, output = self.start(cities, model, host, cores, serving).end()
        assert code == 0, output
        return output


@pytest.fixture(scope="module")
def job(process_host: ProcessHost, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return Job(process_host, tmp_path_factory.mktemp("job"))


@pytest.fixture(scope="module")
def model(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the job leaves of good and bad cities."""
    directory = tmp_path_factory.mktemp("model")
    cities = write_cities(directory / "cities", {**GOOD, **BAD})
    job.run(cities, directory / "model")
    return directory / "model"


def artifacts(model: Path) -> dict[str, bytes]:
    return {path.name.removesuffix(".tar.gz"): path.read_bytes() for path in model.glob("*.tar.gz")}


def reports(model: Path) -> dict[str, dict[str, Any]]:
    lines = [line for path in model.glob("reports/*") for line in path.read_text().splitlines()]
    return {line["city"]: line for line in map(json.loads, lines)}


def test_each_artifact_is_what_the_service_trainer_makes_of_the_same_rows(model: Path) -> None:
    """By its own steps: split, CSV, transform, CSV, split, Linear Learner."""
    script = sklearn_preprocessor
    fitted = script.fit(script.parse_csv(city_file("Fit_AA", 300).decode(), SCHEMA))
    parameters = Hyperparameters.parse(HYPERPARAMETERS)
    written = artifacts(model)
    assert sorted(written) == sorted(GOOD)
    for city, content in written.items():
        houses, _ = split(Market().houses(city, GOOD[city].count(b"\n")), 0.9)
        answer, _ = script.transform(
            script.fold(fitted, SCHEMA), houses.to_csv(), "text/csv", "text/csv"
        )
        lines = split_lines(answer.encode(), expected=len(houses), name=city)
        rows = [read_training_csv(part, city) for part in lines]
        assert content == write_artifact(train(parameters, *rows).model)


def test_hosts_and_cores_change_nothing(job: Job, model: Path, tmp_path: Path) -> None:
    names = sorted(GOOD)
    for host in range(2):
        shard = {city: GOOD[city] for city in names[host::2]}
        cities = write_cities(tmp_path / f"cities-{host}", shard)
        job.run(cities, tmp_path / "model", f"algo-{host + 1}", cores=1 + 2 * host)
    assert artifacts(tmp_path / "model") == artifacts(model)
    alone = {city: line for city, line in reports(model).items() if city in GOOD}
    assert reports(tmp_path / "model") == alone


def test_the_report_says_what_the_registry_keeps(model: Path) -> None:
    line = reports(model)["City03_AA"]
    assert line["rows"] == {"train": 59, "validation": 25}
    assert (line["solver"], line["preprocessor_url"]) == ("linear-learner", URL)
    assert line["metrics"]["mae"] < line["baselines"]["median_mae"]
    assert line["baselines"]["least_squares_mae"] < 1000
    assert line["candidate"]["optimizer"] == "adam"
    assert line["artifact"]["bytes"] == len(artifacts(model)["City03_AA"])
    assert list(reports(model)) == sorted({**GOOD, **BAD})


def test_what_serves_is_measured_on_the_rows_that_its_successor_is_judged_by(
    job: Job, model: Path, tmp_path: Path
) -> None:
    served = tmp_path / "serving" / "models" / "City03_AA"
    served.mkdir(parents=True)
    (served / "City03_AA-v7.tar.gz").write_bytes(artifacts(model)["City05_AA"])
    cities = write_cities(tmp_path / "cities", {c: GOOD[c] for c in ("City03_AA", "City05_AA")})
    job.run(cities, tmp_path / "model", serving=tmp_path / "serving")
    compared, alone = reports(tmp_path / "model").values()
    houses = Market().houses("City03_AA", 93)
    rows = houses.take(split_rows(93, 0.1, 0.3)[1])
    fitted = sklearn_preprocessor.fit(
        sklearn_preprocessor.parse_csv(city_file("Fit_AA", 300).decode(), SCHEMA)
    )
    answer, _ = sklearn_preprocessor.transform(
        sklearn_preprocessor.fold(fitted, SCHEMA), rows.to_csv(), "text/csv", "text/csv"
    )
    data = read_training_csv(answer.encode(), "validation")
    scores = predict(read_artifact_bytes(artifacts(model)["City05_AA"]), data.features).scores
    assert compared["metrics"]["serving_mae"] == pytest.approx(abs(scores - data.labels).mean())
    assert compared["metrics"]["serving_mae"] > compared["metrics"]["mae"]
    assert compared["compared_with"] == "City03_AA/City03_AA-v7.tar.gz"
    assert "serving_mae" not in alone["metrics"]
    assert artifacts(tmp_path / "model")["City03_AA"] == artifacts(model)["City03_AA"]


def test_columns_are_described_as_drift_compares_them(model: Path) -> None:
    houses = Market().houses("City03_AA", 93)
    used = np.concatenate(split_rows(93, 0.1, 0.3))
    described = describe_columns(
        {
            "SQUARE_FEET": houses["SQUARE_FEET"][used].tolist(),
            "NUM_BEDROOMS": houses["NUM_BEDROOMS"][used].tolist(),
            "DECK": houses["DECK"][used].tolist(),
        }
    )
    reported = reports(model)["City03_AA"]["columns"]
    for name, column in described.items():
        for key, value in column.items():
            assert reported[name][key] == pytest.approx(value), name


def test_a_city_that_cannot_be_trained_fails_alone_and_is_named(model: Path) -> None:
    lines = reports(model)
    assert lines["Broken_AA"]["error"].startswith("Broken_AA.csv, row ")
    assert "'maybe' is not one of n, y" in lines["Broken_AA"]["error"]
    assert "No training data processed" in lines["Small_AA"]["error"]
    assert [city for city, line in lines.items() if "error" not in line] == sorted(GOOD)


def test_one_that_is_stopped_keeps_what_it_has_trained(job: Job, tmp_path: Path) -> None:
    files = {f"City{number:04}": GOOD["City00_AA"] for number in range(4000)}
    cities = write_cities(tmp_path / "cities", files)
    program = job.start(cities, tmp_path / "model")
    while not list((tmp_path / "model").glob("*.tar.gz")):
        time.sleep(0.05)
        assert program.process.code is None
    program.process.terminate()
    code, output = program.end()
    assert code == 0, output
    written = artifacts(tmp_path / "model")
    assert 0 < len(written) < len(files)
    assert sorted(written) == list(reports(tmp_path / "model"))
