"""Train, publish, predict, add a city, tear down: the scripts as a user runs them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fleet.deployment import Deployment, find_deployment
from fleet.registry import Draft, Registry
from fleet.unloading import COPY_OF, Instances
from fleet.versions import Verdict
from localaws import lifecycle
from localaws.testing import LocalAws
from tests.local.commands import housing
from tests.local.conftest import ROOT, StageOf, StartLocalAws
from training.houses import COLUMNS, Market

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import EndpointConfigSummaryTypeDef

CITIES = ("NewYork_NY", "Chicago_IL")
HOUSES = "300"


@dataclass(frozen=True)
class Script:
    """What a script answered."""

    status: int
    output: str
    errors: str

    @property
    def answer(self) -> dict[str, object]:
        parsed: dict[str, object] = json.loads(self.output)
        return parsed


@dataclass(frozen=True)
class Project:
    """The project on an AWS of its own, deployed and trained for two cities."""

    aws: LocalAws

    def run(self, script: str, *options: str, answer: str = "") -> Script:
        done = housing(self.aws, script, *options, answer=answer)
        return Script(done.returncode, done.stdout, done.stderr)

    def command(self, script: str, *options: str) -> list[str]:
        return [sys.executable, "-m", f"scripts.{script}", *options]

    def train(self, *options: str) -> Script:
        cities = [part for city in CITIES for part in ("--city", city)]
        return self.run("train", *cities, "--houses", HOUSES, *options)

    @property
    def deployment(self) -> Deployment:
        return find_deployment(self.aws.session(), "dev")

    @property
    def registry(self) -> Registry:
        table = self.deployment.require("registry_table_name")
        return Registry(self.aws.session().client("dynamodb"), table)

    def job_names(self) -> list[str]:
        client = self.aws.session().client("sagemaker")
        pages = client.get_paginator("list_training_jobs").paginate()
        return [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]

    def model_keys(self) -> list[str]:
        return self.keys("models/")

    def keys(self, prefix: str) -> list[str]:
        bucket = self.deployment.require("bucket_name")
        listing = self.aws.session().client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for item in listing.get("Contents", [])]

    def objects(self, prefix: str) -> list[bytes]:
        s3, bucket = self.aws.session().client("s3"), self.deployment.require("bucket_name")
        return [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in self.keys(prefix)]


@pytest.fixture(scope="module")
def project(
    start_with_storage: StartLocalAws, dev: StageOf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    directory = tmp_path_factory.mktemp("localaws") / "state"
    aws = start_with_storage(directory)
    try:
        project = Project(aws)
        trained = project.train()
        assert trained.status == 0, trained.errors
        dev(aws).deploy("hosting")
        yield project
    finally:
        lifecycle.stop(directory)


# Training


def test_each_city_has_a_published_model(project: Project) -> None:
    expected = {f"models/{city}/{city}.tar.gz" for city in CITIES}
    assert expected <= set(project.model_keys())


def test_the_preprocessor_is_published_under_its_content_hash(project: Project) -> None:
    ssm = project.aws.session().client("ssm")
    name = project.deployment.preprocessor_parameter
    url = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    bucket = project.deployment.require("bucket_name")
    assert url.startswith(f"s3://{bucket}/preprocessor/")
    assert url.endswith("/model.tar.gz")
    assert len(url.split("/")[-2]) == 64


def test_a_second_run_trains_nothing_and_publishes_nothing(project: Project) -> None:
    jobs, keys = project.job_names(), project.model_keys()
    again = project.train("--json")
    assert again.status == 0
    assert [model["new"] for model in again.answer["models"].values()] == [False, False]  # type: ignore[attr-defined]
    assert project.job_names() == jobs
    assert project.model_keys() == keys


def test_a_city_that_is_trained_is_not_trained_again_in_other_company(project: Project) -> None:
    jobs = project.job_names()
    trained = project.run("train", "--city", "Chicago_IL", "--houses", HOUSES)
    assert trained.status == 0, trained.errors
    assert project.job_names() == jobs


def test_a_trained_city_is_trained_again_when_asked(project: Project) -> None:
    again = project.run("train", "--city", "Chicago_IL", "--houses", HOUSES, "--retrain", "--json")
    assert again.answer["models"]["Chicago_IL"]["job"].endswith("-2")  # type: ignore[index]


def test_other_houses_make_the_next_version_and_leave_the_first(project: Project) -> None:
    trained = project.run("train", "--city", "Chicago_IL", "--houses", HOUSES, "--seed", "7")
    assert trained.status == 0, trained.errors
    assert {
        "models/Chicago_IL/Chicago_IL.tar.gz",
        "models/Chicago_IL/Chicago_IL-v2.tar.gz",
    } <= set(project.model_keys())


def test_a_serving_model_that_is_gone_from_the_bucket_is_replaced(project: Project) -> None:
    bucket = project.deployment.require("bucket_name")
    serving = project.registry.city("Chicago_IL")
    assert serving is not None
    s3 = project.aws.session().client("s3")
    s3.delete_object(Bucket=bucket, Key=f"models/{serving.target_model}")
    trained = project.run("train", "--city", "Chicago_IL", "--houses", HOUSES, "--seed", "8")
    assert trained.status == 0, trained.errors
    assert "models/Chicago_IL/Chicago_IL-v3.tar.gz" in project.model_keys()


def test_a_dry_run_says_what_it_would_do_and_does_nothing(project: Project) -> None:
    jobs, keys = project.job_names(), project.model_keys()
    plan = project.run("train", "--city", "Dallas_TX", "--dry-run")
    assert plan.status == 0
    assert "train 1 models on ml.m5.xlarge" in plan.output
    assert "/models/Dallas_TX/Dallas_TX.tar.gz" in plan.output
    assert project.job_names() == jobs
    assert project.model_keys() == keys


def test_a_city_that_fails_is_reported_and_the_status_is_1(project: Project) -> None:
    failed = project.run(
        "train", "--city", "Dallas_TX", "--houses", HOUSES, "--hyperparameter", "epochs=0"
    )
    assert failed.status == 1
    [line] = failed.errors.splitlines()
    assert line.startswith("Dallas_TX: Failed: ClientError: ")
    assert "epochs" in line
    assert "models/Dallas_TX/Dallas_TX.tar.gz" not in project.model_keys()


def test_a_new_preprocessor_without_all_published_cities_is_refused(project: Project) -> None:
    refused = project.run("train", "--city", "Dallas_TX", "--refit-preprocessor")
    assert refused.status == 1
    assert "left out are: Chicago_IL" in refused.errors


def test_ctrl_c_stops_the_jobs_that_were_started(project: Project) -> None:
    command = project.command(
        *("train", "--city", "Phoenix_AZ", "--houses", "3000"),
        *("--hyperparameter", "epochs=1000000"),
        *("--hyperparameter", "early_stopping_patience=1000000"),
    )
    running = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**project.aws.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell ignores the signal, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stdout is not None
    line = next(line for line in running.stdout if "Phoenix_AZ: started" in line)
    name = line.rpartition("(")[2].rstrip(")\n")
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert errors.strip() == "python -m scripts.train: interrupted"
    assert wait_for_final_status(project, name) == "Stopped"


def start_training(project: Project, seed: str) -> subprocess.Popen[str]:
    """A training of one city by the trainer that transforms, in the background."""
    options = ("--city", "Dallas_TX", "--houses", HOUSES, "--seed", seed, "--force")
    return subprocess.Popen(
        project.command("train", *options),
        cwd=ROOT,
        env={**project.aws.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def transform_models(project: Project) -> list[str]:
    models = project.aws.session().client("sagemaker").list_models(NameContains="transform")
    return [model["ModelName"] for model in models["Models"]]


def test_two_trainings_of_the_same_houses_at_once_both_end_well(project: Project) -> None:
    both = [start_training(project, "5"), start_training(project, "5")]
    said = [training.communicate(timeout=300)[0] for training in both]
    assert [training.returncode for training in both] == [0, 0], said
    assert transform_models(project) == []


def test_the_run_after_a_kill_ends_well_and_leaves_nothing(project: Project) -> None:
    killed = start_training(project, "6")
    assert killed.stdout is not None
    assert any("transform: started" in line for line in killed.stdout)
    killed.kill()
    killed.wait()
    again = start_training(project, "6")
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert transform_models(project) == []


def wait_for_final_status(project: Project, name: str) -> str:
    client = project.aws.session().client("sagemaker")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
        if status not in ("InProgress", "Stopping"):
            return status
        time.sleep(0.1)
    pytest.fail(f"{name} is still {status}")


# Own data


def write_city(folder: Path, city: str, *, bad_cell: bool = False) -> None:
    lines = Market(seed=3).houses(city, 300).to_csv().splitlines()
    if bad_cell:
        lines[4] = "x" + lines[4]
    (folder / f"{city}.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")


def test_models_are_trained_on_own_data(project: Project, tmp_path: Path) -> None:
    write_city(tmp_path, "Lyon_FR")
    trained = project.run("train", "--data", str(tmp_path), "--json")
    assert trained.status == 0, trained.errors
    assert list(trained.answer["models"]) == ["Lyon_FR"]  # type: ignore[call-overload]


def test_rows_of_a_city_that_was_forgotten_and_readmitted_are_transformed_again(
    project: Project, tmp_path: Path
) -> None:
    for city in ("Lyon_FR", "Metz_FR"):
        write_city(tmp_path, city)
    train = ("train", "--data", str(tmp_path))
    assert project.run(*train).status == 0
    assert project.run("models", "forget", "Metz_FR", "--yes").status == 0
    add = ("add-model", "--city", "Metz_FR", "--data", str(tmp_path), "--readmit")
    assert project.run(*add).status == 0
    again = project.run(*train)
    assert again.status == 0, again.errors


def test_a_bad_cell_of_own_data_is_named_before_anything_is_done(
    project: Project, tmp_path: Path
) -> None:
    write_city(tmp_path, "Nice_FR", bad_cell=True)
    refused = project.run("train", "--data", str(tmp_path))
    assert refused.status == 1
    assert "Nice_FR.csv, line 6, YEAR_BUILT: 'x" in refused.errors
    assert not any("Nice_FR" in key for key in project.model_keys())


# Predicting


def test_a_prediction_is_near_the_true_price(project: Project, tmp_path: Path) -> None:
    houses = Market(seed=9).houses("NewYork_NY", 50)
    assert houses.label is not None
    file = tmp_path / "houses.csv"
    file.write_text(f"{','.join(COLUMNS)}\n{houses.to_csv()}")
    predicted = project.run("predict", "--city", "NewYork_NY", "--csv", str(file), "--json")
    prices = predicted.answer["prices"]
    assert isinstance(prices, list)
    errors = abs(prices - houses.label) / houses.label
    assert errors.mean() < 0.03


def test_one_house_is_given_by_options(project: Project) -> None:
    small = project.run("predict", "--city", "NewYork_NY", "--square-feet", "1500", "--json")
    large = project.run("predict", "--city", "NewYork_NY", "--square-feet", "4500", "--json")
    assert large.answer["prices"] > small.answer["prices"]  # type: ignore[operator]


def test_the_table_shows_house_price_and_latency(project: Project) -> None:
    shown = project.run("predict", "--city", "NewYork_NY")
    assert "NewYork_NY/NewYork_NY.tar.gz" in shown.output
    assert "predicted price $" in shown.output
    assert "latency: " in shown.output
    assert "\x1b" not in shown.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--city", "Atlantis"), "no model of Atlantis serves; there are "),
        (("--city", "../raw"), "no model of ../raw serves; there are "),
        (("--city", "NewYork_NY", "--model-version", "9"), "has no version 9; it has 1"),
        (("--city", "NewYork_NY", "--deck", "maybe"), "--deck: 'maybe' is neither y nor n"),
    ],
)
def test_what_cannot_be_predicted_is_one_clear_line(
    project: Project, options: tuple[str, ...], message: str
) -> None:
    refused = project.run("predict", *options)
    assert refused.status == 1
    [line] = refused.errors.splitlines()
    assert message in line


def test_a_file_that_is_not_there_is_a_matter_of_usage(project: Project) -> None:
    refused = project.run("predict", "--city", "NewYork_NY", "--csv", "none.csv")
    assert refused.status == 2
    assert "File 'none.csv' does not exist" in refused.errors


def test_a_model_for_another_preprocessor_is_passed_over_until_it_is_deployed(
    project: Project,
) -> None:
    registry = project.registry
    served = registry.version("NewYork_NY", 1).trained
    other = replace(served, preprocessor_url="s3://bucket/preprocessor/other/model.tar.gz")
    [version] = registry.record([Draft(other, Verdict(passed=True))]).versions.values()
    registry.promote([version])
    latest = project.run("predict", "--city", "NewYork_NY", "--json")
    assert latest.answer["target_model"] == "NewYork_NY/NewYork_NY.tar.gz"
    assert "NewYork_NY-v2.tar.gz was trained with another preprocessor" in latest.errors
    assert project.run("predict", "--city", "NewYork_NY", "--model-version", "2").status == 1
    assert registry.rollback("NewYork_NY").number == 1


# Adding a city


def test_a_city_is_added_to_the_live_endpoint_without_a_deployment(project: Project) -> None:
    client = project.aws.session().client("sagemaker")
    before = client.describe_endpoint(EndpointName="housing-dev")
    added = project.run("add-model", "--city", "Boston_MA", "--houses", HOUSES)
    assert added.status == 0, added.errors
    assert "invoke Boston_MA/Boston_MA.tar.gz  MAE $" in added.output
    after = client.describe_endpoint(EndpointName="housing-dev")
    assert after["LastModifiedTime"] == before["LastModifiedTime"]


# Forgetting a city


def test_a_forgotten_city_answers_until_the_instances_are_replaced(project: Project) -> None:
    """And afterwards the endpoint is as its stack declares it."""
    sagemaker = project.aws.session().client("sagemaker")
    configs = [each["EndpointConfigName"] for each in endpoint_configs(sagemaker)]
    assert project.run("models", "forget", "Boston_MA", "--yes").status == 0
    proof = project.run("models", "verify", "--forgotten", "Boston_MA")
    loaded = "Boston_MA/Boston_MA.tar.gz: an instance still has it loaded, until it is replaced\n"
    assert (proof.status, proof.output) == (1, loaded)

    forgotten = project.run("models", "forget", "Boston_MA", "--unload", "--yes", "--json")
    assert forgotten.status == 0, forgotten.errors
    assert forgotten.answer["remains"] == []
    assert project.run("models", "verify", "--forgotten", "Boston_MA").output == "nothing is left\n"
    receipts = [json.loads(body) for body in project.objects("receipts/")]
    assert forgotten.answer.items() >= receipts[-1].items()
    assert receipts[0]["objects"]["models"] == 1
    assert [each["EndpointConfigName"] for each in endpoint_configs(sagemaker)] == configs
    assert sagemaker.describe_endpoint(EndpointName="housing-dev")["EndpointConfigName"] in configs
    assert project.run("predict", "--city", "NewYork_NY").status == 0


def test_a_replacement_of_instances_that_was_interrupted_is_finished(project: Project) -> None:
    sagemaker = project.aws.session().client("sagemaker")
    [config] = endpoint_configs(sagemaker)
    name = config["EndpointConfigName"]
    described = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    sagemaker.create_endpoint_config(
        EndpointConfigName="housing-dev-unload",
        ProductionVariants=described["ProductionVariants"],
        Tags=[{"Key": COPY_OF, "Value": name}],
    )
    sagemaker.update_endpoint(EndpointName="housing-dev", EndpointConfigName="housing-dev-unload")
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="housing-dev", WaiterConfig={"Delay": 1}
    )
    Instances(sagemaker, "housing-dev", poll_seconds=1).replace()
    assert sagemaker.describe_endpoint(EndpointName="housing-dev")["EndpointConfigName"] == name
    assert [each["EndpointConfigName"] for each in endpoint_configs(sagemaker)] == [name]


def endpoint_configs(sagemaker: "SageMakerClient") -> "list[EndpointConfigSummaryTypeDef]":
    return sagemaker.list_endpoint_configs()["EndpointConfigs"]
