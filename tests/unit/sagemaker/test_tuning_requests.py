"""What CreateHyperParameterTuningJob refuses, and what it asks of its training jobs."""

from typing import Any

import pytest

from localaws.errors import AwsError
from localaws.sagemaker.tuning_requests import check, most_training_jobs, training_request
from localaws.testing.memory import ROLE

RATE = {"Name": "rate", "MinValue": "0", "MaxValue": "1"}
KINDS = {"Name": "kind", "Values": ["a", "b", "c"]}
CATEGORIES = {"CategoricalParameterRanges": [KINDS]}


def request(definition: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": "job",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [RATE]},
            **config,
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **(definition or {}),
        },
    }


def refusal(asked: dict[str, Any]) -> AwsError:
    with pytest.raises(AwsError) as refused:
        check(asked)
    return refused.value


def limits(most: int | None, parallel: int = 1, **others: int) -> dict[str, int]:
    given = {"MaxParallelTrainingJobs": parallel, **others}
    return given if most is None else {"MaxNumberOfTrainingJobs": most, **given}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (request(ParameterRanges={}), "ParameterRanges must have at least one range"),
        (
            request({"StaticHyperParameters": {"rate": "1"}}),
            "The hyperparameter rate is in StaticHyperParameters and in ParameterRanges",
        ),
        (
            request(ParameterRanges={"ContinuousParameterRanges": [RATE, RATE]}),
            "ParameterRanges has 2 ranges of the hyperparameter rate; one is allowed",
        ),
        (
            request({"StaticHyperParameters": {str(number): "" for number in range(99)}}),
            "would have 101 hyperparameters",
        ),
        (
            request(ParameterRanges=CATEGORIES, ResourceLimits=limits(10)),
            "for the provided ranges [3.0] must be equal or greater than the value of"
            " MaxNumberOfJobs, [10]",
        ),
        (request(ResourceLimits=limits(751)), "at most 750 are allowed"),
        (request(ResourceLimits=limits(1, 2)), "MaxParallelTrainingJobs (2) must not be greater"),
        (request(ResourceLimits=limits(None)), "MaxNumberOfTrainingJobs is required"),
        (request(Strategy="Grid"), "Grid takes categorical ranges alone; that of rate is none"),
        (
            request(Strategy="Grid", ParameterRanges=CATEGORIES, ResourceLimits=limits(2)),
            "with the strategy Grid it is the number of combinations, 3, or left out",
        ),
        (request(StrategyConfig={}), "StrategyConfig is for the strategy Hyperband alone"),
        (request(Strategy="Hyperband"), "HyperbandStrategyConfig.MaxResource is required"),
        (
            request({"StaticHyperParameters": {"epochs": "20001"}}, Strategy="Hyperband"),
            "MaxResource is 20001: it must be at least MinResource, 1, and at most 20000",
        ),
        (
            request(
                {"StaticHyperParameters": {"epochs": "20"}},
                Strategy="Hyperband",
                TrainingJobEarlyStoppingType="Auto",
            ),
            "TrainingJobEarlyStoppingType must be Off",
        ),
        (
            {**request(), "WarmStartConfig": {"WarmStartType": "TransferLearning"}},
            "localaws does not implement WarmStartConfig",
        ),
        ({**request(), "Autotune": {"Mode": "Enabled"}}, "localaws does not implement Autotune"),
        (
            request(
                TuningJobCompletionCriteria={
                    "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}
                }
            ),
            "localaws does not implement CompleteOnConvergence",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_reason(
    asked: dict[str, Any], reason: str
) -> None:
    refused = refusal(asked)
    assert refused.code == "ValidationException"
    assert reason in refused.message


def test_several_definitions_are_refused() -> None:
    asked = request()
    asked["TrainingJobDefinitions"] = [asked.pop("TrainingJobDefinition")]
    assert "localaws does not implement TrainingJobDefinitions" in refusal(asked).message


def test_more_than_ten_training_jobs_at_a_time_are_beyond_the_quota() -> None:
    refused = refusal(request(ResourceLimits=limits(20, 11)))
    assert refused.code == "ResourceLimitExceeded"
    assert "is 10; MaxParallelTrainingJobs is 11" in refused.message


def test_hyperband_takes_the_epochs_for_its_greatest_resource() -> None:
    assert check(request({"StaticHyperParameters": {"epochs": "20"}}, Strategy="Hyperband"))


def test_a_grid_has_as_many_training_jobs_as_combinations() -> None:
    asked = request(Strategy="Grid", ParameterRanges=CATEGORIES, ResourceLimits=limits(None))
    assert most_training_jobs(asked, check(asked)) == 3


def test_a_training_job_gets_static_and_tuned_hyperparameters_and_the_objective() -> None:
    asked = training_request(
        request({"StaticHyperParameters": {"epochs": "2"}}), "job-001-0", {"rate": "0.5"}
    )
    assert asked["HyperParameters"] == {
        "epochs": "2",
        "rate": "0.5",
        "_tuning_objective_metric": "score",
    }
    assert asked["TrainingJobName"] == "job-001-0"
    assert asked["RoleArn"] == ROLE


def test_training_jobs_do_not_read_each_others_checkpoints() -> None:
    asked = request({"CheckpointConfig": {"S3Uri": "s3://bucket/points/"}})
    config = training_request(asked, "job-001-0", {})["CheckpointConfig"]
    assert config["S3Uri"] == "s3://bucket/points/job-001-0"


def test_of_several_instance_types_the_first_counts() -> None:
    asked = request()
    del asked["TrainingJobDefinition"]["ResourceConfig"]
    asked["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"] = {
        "AllocationStrategy": "Prioritized",
        "InstanceConfigs": [
            {"InstanceType": kind, "InstanceCount": 2, "VolumeSizeInGB": 5}
            for kind in ("ml.m5.large", "ml.m5.xlarge")
        ],
    }
    assert training_request(asked, "job-001-0", {})["ResourceConfig"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 2,
        "VolumeSizeInGB": 5,
    }
