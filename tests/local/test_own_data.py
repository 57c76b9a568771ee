"""Other tables than houses, from a CSV file to predictions, as a user runs them."""

import csv
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleet.project import project_folder, project_schema
from localaws import lifecycle
from localaws.testing import LocalAws
from tests.local.assembly import Assembly
from tests.local.commands import housing
from tests.local.conftest import ROOT, StageOf, StartLocalAws

RETRAINED_WITHIN_SECONDS = 300


@dataclass(frozen=True)
class OwnProject:
    """A folder of somebody's own, with an AWS of its own."""

    aws: LocalAws
    folder: Path
    stage: Assembly

    def run(self, *arguments: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
        return housing(self.aws, *arguments, folder=self.folder, answer=answer)

    def succeed(self, *arguments: str, answer: str = "") -> str:
        done = self.run(*arguments, answer=answer)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def retrain(self, entity: str, rows: bytes) -> dict[str, Any]:
        """Deploy this folder's retraining stack, and drop a file: what the run reports."""
        with chdir(self.folder):
            forget_project()
            stage = Assembly.synthesize(self.aws, self.folder / "retraining.out", "dev")
        forget_project()
        stage.deploy("retraining")
        s3 = self.aws.session().client("s3")
        bucket = stage.outputs("storage")["BucketName"]
        s3.put_object(Bucket=bucket, Key=f"incoming/{entity}.csv", Body=rows)
        deadline = time.monotonic() + RETRAINED_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if not s3.list_objects_v2(Bucket=bucket, Prefix="incoming/").get("Contents"):
                break
            time.sleep(0.5)
        listing = s3.list_objects_v2(Bucket=bucket, Prefix="jobs/retraining/")["Contents"]
        reports = [each for each in listing if each["Key"].endswith("/report.json")]
        latest = max(reports, key=lambda each: each["LastModified"])["Key"]
        report: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=latest)["Body"].read())
        return report


def forget_project() -> None:
    """What is remembered of the folder that a process works in."""
    project_folder.cache_clear()
    project_schema.cache_clear()


@pytest.fixture
def project(
    start_with_storage: StartLocalAws, dev: StageOf, tmp_path: Path
) -> Iterator[OwnProject]:
    state = tmp_path / "state"
    aws = start_with_storage(state)
    try:
        folder = tmp_path / "project"
        folder.mkdir()
        shutil.copy(ROOT / "cdk.json", folder)
        yield OwnProject(aws, folder, dev(aws))
    finally:
        lifecycle.stop(state)


def data_set(name: str, **options: bool) -> Any:
    """A data set of scikit-learn, as a frame."""
    from sklearn import datasets  # which takes seconds

    return getattr(datasets, f"load_{name}")(as_frame=True, **options).frame


def diabetes(folder: Path) -> Path:
    """A number is predicted; two clinics, an id, a category, and cells that are missing."""
    frame = data_set("diabetes", scaled=False)
    frame["clinic"] = ["São Paulo" if n % 2 else "Lyon" for n in range(len(frame))]
    frame["sex"] = frame["sex"].map({1.0: "female", 2.0: "male"})
    frame.loc[::17, "bmi"] = None
    frame.insert(0, "id", range(1, len(frame) + 1))
    frame.to_csv(folder / "diabetes.csv", index=False)
    return folder / "diabetes.csv"


def test_a_number_is_predicted_for_each_clinic(project: OwnProject, tmp_path: Path) -> None:
    file = diabetes(tmp_path)
    said = project.succeed("init", "--from", str(file), "--entity-column", "clinic")
    assert "predicts TARGET: a number (regression), from 11 features" in said
    train = ("train", "--data", str(file), "--hyperparameter", "epochs=100", "--json")
    models = json.loads(project.succeed(*train))["models"]
    assert list(models) == ["Lyon", "Sao_Paulo"]
    in_one_job = json.loads(project.succeed(*train, "--trainer", "fleet"))["models"]
    assert {city: model["target_model"] for city, model in in_one_job.items()} == {
        city: model["target_model"] for city, model in models.items()
    }, "the artifacts differ"
    assert "São Paulo (Sao_Paulo)" in project.succeed("models", "list")
    project.stage.deploy("hosting")

    rows = list(csv.reader(file.open(encoding="utf-8")))
    some = "\n".join(",".join(row) for row in rows[:40]) + "\n"
    answer = project.succeed(
        "predict", "--clinic", "São Paulo", "--csv", "-", "--output", "-", answer=some
    )
    header, *predicted = list(csv.reader(answer.splitlines()))
    assert header == [*rows[0], "PREDICTED_TARGET", "OUT_OF_RANGE"]
    assert [row[: len(rows[0])] for row in predicted] == rows[1:40]

    judged = json.loads(project.succeed("predict", "--city", "Lyon", "--csv", str(file), "--json"))
    assert float(judged["mae"]) < float(judged["baseline"])

    assert project.succeed("models", "warm") == "2 models are loaded\n"

    old = json.loads(project.succeed("predict", "--city", "Lyon", "--age", "500", "--json"))
    assert old["out_of_range"] == [["AGE"]]


def test_one_of_three_classes_is_predicted(project: OwnProject, tmp_path: Path) -> None:
    frame = data_set("wine")
    frame["target"] = frame["target"].map({0: "Barolo", 1: "Grignolino", 2: "Barbera"})
    folder = tmp_path / "wines"
    folder.mkdir()
    file = folder / "Côte d'Or.csv"
    frame.to_csv(file, index=False)
    said = project.succeed("init", "--from", str(folder))
    assert "predicts TARGET: one of 3 classes, from 13 features" in said

    (folder / "Médoc.csv").write_text("alcohol;target\n12,5;Merlot\n", encoding="cp1252")
    train = project.run("train", "--data", str(folder), "--hyperparameter", "mini_batch_size=20")
    assert train.returncode == 1, train.stdout + train.stderr
    assert "Médoc.csv: columns MALIC_ACID, ASH, " in train.stderr
    assert train.stderr.splitlines()[-1] == "left out, as told above: Médoc.csv"
    [listed] = json.loads(project.succeed("models", "list", "--json"))
    assert (listed["city"], listed["name"]) == ("Cote_d_Or", "Côte d'Or")
    shown = project.succeed("models", "show", "Côte d'Or").splitlines()[0]
    assert shown.startswith("Côte d'Or: version 1 serves")

    project.stage.deploy("hosting")
    report = project.retrain("Cahors", frame.to_csv(index=False).encode())
    assert report["counts"] == {"new": 1}, report["failures"]

    predict = ("predict", "--city", "Côte d'Or", "--csv", str(file), "--json")
    answer = json.loads(project.succeed(*predict))
    assert set(answer["predictions"]) == {"Barolo", "Grignolino", "Barbera"}
    assert float(answer["accuracy"].rstrip("%")) > 90
    assert float(answer["baseline"].rstrip("%")) < 50


def test_one_of_two_classes_is_predicted_by_models_of_the_fleet_trainer(
    project: OwnProject, tmp_path: Path
) -> None:
    frame = data_set("breast_cancer")
    frame["target"] = frame["target"].map({0: "malignant", 1: "benign"})
    frame["ward"] = ["Köln" if n % 2 else "Genève" for n in range(len(frame))]
    frame.loc[::23, "mean radius"] = None
    file = tmp_path / "tumours.csv"
    frame.to_csv(file, index=False, sep=";", decimal=",")
    said = project.succeed("init", "--from", str(file), "--entity-column", "ward")
    assert "predicts TARGET: one of two classes, from 30 features" in said

    train = ("train", "--trainer", "fleet", "--json", "--data")
    models = json.loads(project.succeed(*train, str(file)))["models"]
    assert list(models) == ["Geneve", "Koln"]
    project.stage.deploy("hosting")
    rows = frame.drop(columns="ward")
    rng = np.random.default_rng(0)
    shuffled = rows.assign(target=rng.permutation(rows["target"]))
    report = project.retrain("Bern", rows.to_csv(index=False).encode())
    assert report["counts"] == {"new": 1}, report["failures"]
    report = project.retrain("Basel", shuffled.to_csv(index=False).encode())
    assert report["counts"] == {"refused": 1}, report["failures"]
    assert "better than with shuffled ones" in report["cities"]["Basel"]["reason"]

    predict = ("predict", "--ward", "Köln", "--csv", str(file), "--json")
    judged = json.loads(project.succeed(*predict))
    assert set(judged["predictions"]) == {"malignant", "benign"}
    assert float(judged["accuracy"].rstrip("%")) > float(judged["baseline"].rstrip("%")) + 15

    listed = json.loads(project.succeed("models", "list", "--json"))
    served = {c["name"]: c["version"] for c in listed}
    assert served == {"Basel": None, "Bern": 1, "Genève": 1, "Köln": 1}
