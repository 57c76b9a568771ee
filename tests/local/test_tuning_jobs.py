"""Hyperparameter tuning jobs, as boto3 sees them."""

import time
from textwrap import dedent
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.jobs import (
    DEADLINE_SECONDS,
    LINEAR_LEARNER,
    SCIKIT_LEARN,
    Jobs,
    houses_csv,
    make_jobs,
    source_archive,
)

STATIC = {"predictor_type": "regressor", "mini_batch_size": "100", "epochs": "1"}
SCRIPT = """
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--guess", type=float)
    parser.add_argument("--mode", default="works")
    given = parser.parse_args()
    if given.mode == "fails":
        raise SystemExit("it was to fail")
    if given.mode == "waits":
        import time
        print("waiting", flush=True)
        time.sleep(600)
    if given.mode != "silent":
        print(f"loss={(given.guess - 3) ** 2}")
    """
ENDED = ("Completed", "Failed", "Stopped")


@pytest.fixture(scope="module")
def jobs(localaws: LocalAws) -> Jobs:
    jobs = make_jobs(localaws.session(), "test-tuning-jobs")
    jobs.put("houses/train/train.csv", houses_csv(300))
    jobs.put("houses/validation/validation.csv", houses_csv(100, seed=1))
    jobs.put("rows/rows.csv", "1,2")
    jobs.put("sourcedir.tar.gz", source_archive(train_py=dedent(SCRIPT)))
    return jobs


def linear_learner_request(jobs: Jobs, name: str, **config: Any) -> dict[str, Any]:
    channels = {split: jobs.uri(f"houses/{split}/") for split in ("train", "validation")}
    training = jobs.training_request("", LINEAR_LEARNER, channels)
    del training["TrainingJobName"]
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {
                "Type": "Minimize",
                "MetricName": "validation:objective_loss",
            },
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "learning_rate", "MinValue": "0.00001", "MaxValue": "1"}
                ],
                "IntegerParameterRanges": [
                    {"Name": "mini_batch_size", "MinValue": "20", "MaxValue": "100"}
                ],
            },
            "RandomSeed": 7,
            **config,
        },
        "TrainingJobDefinition": {
            **training,
            "StaticHyperParameters": {name: STATIC[name] for name in ("predictor_type", "epochs")},
        },
    }


def script_request(jobs: Jobs, name: str, mode: str = "works", **config: Any) -> dict[str, Any]:
    request = linear_learner_request(jobs, name)
    training = jobs.training_request("", SCIKIT_LEARN, {"train": jobs.uri("rows/")})
    del training["TrainingJobName"]
    training["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "loss", "Regex": "loss=([0-9.e-]+)"}
    ]
    request["TrainingJobDefinition"] = {
        **training,
        "StaticHyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": jobs.uri("sourcedir.tar.gz"),
            "mode": mode,
        },
    }
    request["HyperParameterTuningJobConfig"] |= {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "guess", "MinValue": "0", "MaxValue": "10"}]
        },
        **config,
    }
    return request


def tune(jobs: Jobs, request: dict[str, Any]) -> dict[str, Any]:
    jobs.sagemaker.create_hyper_parameter_tuning_job(**request)
    return wait(jobs, request["HyperParameterTuningJobName"])


def wait(jobs: Jobs, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        job: dict[str, Any] = jobs.sagemaker.describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name
        )
        if job["HyperParameterTuningJobStatus"] in ENDED:
            return job
        time.sleep(0.1)
    raise TimeoutError(f"tuning job {name} is {job['HyperParameterTuningJobStatus']}")


def trained(jobs: Jobs, name: str, **request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = jobs.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, **request
    )["TrainingJobSummaries"]
    return found


@pytest.fixture(scope="module")
def tuned(jobs: Jobs) -> dict[str, Any]:
    """The description of one finished tuning job of Linear Learner."""
    request = linear_learner_request(jobs, "Houses")
    return tune(jobs, {**request, "Tags": [{"Key": "city", "Value": "Chicago"}]})


class TestLinearLearner:
    def test_every_training_job_reports_its_objective(self, tuned: dict[str, Any]) -> None:
        assert tuned["HyperParameterTuningJobStatus"] == "Completed"
        assert tuned["TrainingJobStatusCounters"]["Completed"] == 4
        assert tuned["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}

    def test_the_best_is_the_one_with_the_least_loss(
        self, jobs: Jobs, tuned: dict[str, Any]
    ) -> None:
        best, *others = trained(jobs, "Houses", SortBy="FinalObjectiveMetricValue")
        assert tuned["BestTrainingJob"]["TrainingJobName"] == best["TrainingJobName"]
        assert len(others) == 3
        assert all(value(best) <= value(other) for other in others)

    def test_training_jobs_are_named_after_it_and_numbered(
        self, jobs: Jobs, tuned: dict[str, Any]
    ) -> None:
        names = [each["TrainingJobName"] for each in trained(jobs, "Houses")]
        assert [name[:-9] for name in names] == [f"Houses-{number:03}" for number in range(1, 5)]

    def test_a_training_job_knows_what_it_was_given_and_by_whom(
        self, jobs: Jobs, tuned: dict[str, Any]
    ) -> None:
        best = tuned["BestTrainingJob"]
        job = jobs.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
        assert job["TuningJobArn"] == tuned["HyperParameterTuningJobArn"]
        assert job["HyperParameters"] == {
            "predictor_type": "regressor",
            "epochs": "1",
            "_tuning_objective_metric": "validation:objective_loss",
            **best["TunedHyperParameters"],
        }
        tags = jobs.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
        assert tags == [{"Key": "city", "Value": "Chicago"}]

    def test_it_is_described_as_the_sdk_reads_it(self, tuned: dict[str, Any]) -> None:
        definition = tuned["TrainingJobDefinition"]
        assert definition["ResourceConfig"]["InstanceType"] == "ml.m5.large"
        static = definition["StaticHyperParameters"]
        assert static["_tuning_objective_metric"] == "validation:objective_loss"
        assert len(definition["AlgorithmSpecification"]["MetricDefinitions"]) == 37
        assert tuned["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Off"

    def test_it_is_listed_with_its_counters(self, jobs: Jobs, tuned: dict[str, Any]) -> None:
        (listed,) = jobs.sagemaker.list_hyper_parameter_tuning_jobs(NameContains="Houses")[
            "HyperParameterTuningJobSummaries"
        ]
        assert listed["Strategy"] == "Bayesian"
        assert listed["TrainingJobStatusCounters"] == tuned["TrainingJobStatusCounters"]

    def test_its_name_is_taken_whatever_the_case(self, jobs: Jobs, tuned: dict[str, Any]) -> None:
        with pytest.raises(ClientError, match="must be unique") as error:
            jobs.sagemaker.create_hyper_parameter_tuning_job(
                **linear_learner_request(jobs, "HOUSES")
            )
        assert error.value.response["Error"]["Code"] == "ResourceInUse"


def value(summary: dict[str, Any]) -> float:
    number: float = summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return number


def test_a_seed_draws_the_same_again(jobs: Jobs) -> None:
    for name in ("seeded-1", "seeded-2"):
        job = tune(jobs, script_request(jobs, name))
        assert job["HyperParameterTuningJobStatus"] == "Completed"
    first, second = (
        [each["TunedHyperParameters"] for each in trained(jobs, name)]
        for name in ("seeded-1", "seeded-2")
    )
    assert first == second


def test_a_grid_tries_every_combination_once(jobs: Jobs) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "guess", "Values": ["1", "2", "3"]}]}
    request = script_request(
        jobs,
        "grid",
        Strategy="Grid",
        ParameterRanges=ranges,
        ResourceLimits={"MaxParallelTrainingJobs": 2},
    )
    best = tune(jobs, request)["BestTrainingJob"]
    assert (best["TunedHyperParameters"], value(best)) == ({"guess": "3"}, 0.0)
    assert [each["TunedHyperParameters"]["guess"] for each in trained(jobs, "grid")] == [
        "1",
        "2",
        "3",
    ]


def test_a_target_ends_it_before_all_jobs_ran(jobs: Jobs) -> None:
    request = script_request(
        jobs,
        "target",
        TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 100},
        ResourceLimits={"MaxNumberOfTrainingJobs": 10, "MaxParallelTrainingJobs": 1},
    )
    assert tune(jobs, request)["HyperParameterTuningJobStatus"] == "Completed"
    assert len(trained(jobs, "target")) == 1


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("fails", "No training job succeeded after 2 attempts."),
        ("silent", "No objective metrics found after running 2 training jobs."),
    ],
)
def test_it_fails_when_no_training_job_succeeds(jobs: Jobs, mode: str, reason: str) -> None:
    job = tune(jobs, script_request(jobs, mode, mode))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(reason)
    assert "BestTrainingJob" not in job
    assert job["ObjectiveStatusCounters"]["Failed"] == 2


def test_stopping_it_stops_its_training_jobs_and_lets_it_be_deleted(jobs: Jobs) -> None:
    name = {"HyperParameterTuningJobName": "stopped"}
    jobs.sagemaker.create_hyper_parameter_tuning_job(**script_request(jobs, "stopped", "waits"))
    with pytest.raises(ClientError, match="only one that has ended can be deleted"):
        jobs.sagemaker.delete_hyper_parameter_tuning_job(**name)
    jobs.sagemaker.stop_hyper_parameter_tuning_job(**name)
    job = wait(jobs, "stopped")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    left = trained(jobs, "stopped")
    assert {each["TrainingJobStatus"] for each in left} <= {"Stopped"}
    with pytest.raises(ClientError, match="is in status Stopped"):
        jobs.sagemaker.stop_hyper_parameter_tuning_job(**name)
    jobs.sagemaker.delete_hyper_parameter_tuning_job(**name)
    with pytest.raises(ClientError, match="Could not find") as error:
        jobs.sagemaker.describe_hyper_parameter_tuning_job(**name)
    assert error.value.response["Error"]["Code"] == "ResourceNotFound"


def test_what_a_training_job_could_not_do_is_refused_at_once(jobs: Jobs) -> None:
    request = script_request(jobs, "no-data")
    source = request["TrainingJobDefinition"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3Uri"] = jobs.uri("nothing/here/")
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL"):
        jobs.sagemaker.create_hyper_parameter_tuning_job(**request)


def test_an_objective_that_nothing_reports_is_refused(jobs: Jobs) -> None:
    objective = {"Type": "Minimize", "MetricName": "validation:loss"}
    request = linear_learner_request(jobs, "no-metric", HyperParameterTuningJobObjective=objective)
    with pytest.raises(ClientError, match="Provide a metric in the metric definitions"):
        jobs.sagemaker.create_hyper_parameter_tuning_job(**request)
