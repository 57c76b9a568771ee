"""Training jobs, as boto3 sees them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.jobs import (
    LINEAR_LEARNER,
    Jobs,
    csv_channel,
    houses_csv,
    make_jobs,
    unpacked,
)
from training.linear_learner.artifact import read_artifact_bytes

HYPERPARAMETERS = {
    "feature_dim": "10",
    "mini_batch_size": "100",
    "predictor_type": "regressor",
    "epochs": "10",
    "loss": "absolute_loss",
}


@pytest.fixture(scope="module")
def jobs(localaws: LocalAws) -> Jobs:
    jobs = make_jobs(localaws.session(), "test-training-jobs")
    jobs.put("houses/train/train.csv", houses_csv(600))
    jobs.put("houses/validation/validation.csv", houses_csv(200, seed=1))
    return jobs


def houses_request(jobs: Jobs, name: str, **members: Any) -> dict[str, Any]:
    channels = {split: jobs.uri(f"houses/{split}/") for split in ("train", "validation")}
    members = {"HyperParameters": HYPERPARAMETERS, **members}
    return jobs.training_request(name, LINEAR_LEARNER, channels, **members)


@pytest.fixture(scope="module")
def trained(jobs: Jobs) -> dict[str, Any]:
    """The description of one finished Linear Learner job."""
    return jobs.train(houses_request(jobs, "houses"))


class TestLinearLearner:
    def test_leaves_an_artifact_that_holds_its_model(
        self, jobs: Jobs, trained: dict[str, Any]
    ) -> None:
        uri = trained["ModelArtifacts"]["S3ModelArtifacts"]
        assert uri == jobs.uri("jobs/houses/output/model.tar.gz")
        assert list(unpacked(jobs.get(uri))) == ["model_algo-1"]
        assert read_artifact_bytes(jobs.get(uri)).feature_dim == 10

    def test_goes_through_the_secondary_statuses_in_order(self, trained: dict[str, Any]) -> None:
        transitions = trained["SecondaryStatusTransitions"]
        assert [transition["Status"] for transition in transitions] == [
            "Starting",
            "Downloading",
            "Training",
            "Uploading",
            "Completed",
        ]
        assert all(step["StartTime"] <= step["EndTime"] for step in transitions)

    def test_reports_its_final_metrics(self, trained: dict[str, Any]) -> None:
        metrics = {
            metric["MetricName"]: metric["Value"] for metric in trained["FinalMetricDataList"]
        }
        assert metrics["validation:absolute_loss"] == pytest.approx(
            metrics["validation:objective_loss:final"]
        )
        assert 0 < metrics["validation:absolute_loss"] < 5000

    def test_publishes_its_metric_definitions(self, trained: dict[str, Any]) -> None:
        definitions = trained["AlgorithmSpecification"]["MetricDefinitions"]
        assert len(definitions) == 37
        assert {
            "Name": "validation:mse",
            "Regex": r"#quality_metric: host=\S+, validation mse <loss>=(\S+)",
        } in definitions

    def test_logs_what_the_service_logs(self, jobs: Jobs, trained: dict[str, Any]) -> None:
        (stream,) = jobs.log_lines("/aws/sagemaker/TrainingJobs", "houses").items()
        name, lines = stream
        assert name.startswith("houses/algo-1-")
        assert lines[0] == "Docker entrypoint called with argument(s): train"
        assert any(
            "#quality_metric: host=algo-1, validation absolute_loss" in line for line in lines
        )
        assert any("Best model found for hyperparameters: " in line for line in lines)


def test_a_job_without_a_train_channel_fails_with_the_reason(jobs: Jobs) -> None:
    request = houses_request(jobs, "no-train-channel")
    request["InputDataConfig"] = request["InputDataConfig"][1:]
    job = jobs.train(request)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert "'train' is a required property" in job["FailureReason"]


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("not-a-number", "1,2,abc", "row 2, column 3: 'abc' is not a number"),
        ("not-finite", "1,2,NaN", "row 2, column 3: 'NaN' is not a number"),
        ("ragged", "1,2", "row 2: 2 columns; the first row has 3"),
    ],
)
def test_a_bad_row_fails_the_job_with_file_row_and_column(
    jobs: Jobs, name: str, row: str, reason: str
) -> None:
    jobs.put(f"bad/{name}/rows.csv", f"1,2,3\n{row}\n1,2,3\n")
    request = houses_request(jobs, name)
    request["InputDataConfig"] = [csv_channel("train", jobs.uri(f"bad/{name}/"))]
    job = jobs.train(request)
    assert job["TrainingJobStatus"] == "Failed"
    assert f"/opt/ml/input/data/train/rows.csv, {reason}" in job["FailureReason"]
    assert job["FailureReason"].endswith("exit code: 2")


def test_every_wrong_hyperparameter_is_named(jobs: Jobs) -> None:
    wrong = {**HYPERPARAMETERS, "epochs": "none", "no_such_thing": "1"}
    job = jobs.train(houses_request(jobs, "wrong-hyperparameters", HyperParameters=wrong))
    assert job["TrainingJobStatus"] == "Failed"
    assert "epochs" in job["FailureReason"]
    assert "no_such_thing" in job["FailureReason"]


def test_an_empty_prefix_is_refused_in_the_words_of_the_service(jobs: Jobs) -> None:
    request = houses_request(jobs, "empty-prefix")
    request["InputDataConfig"] = [csv_channel("train", jobs.uri("nothing/here/"))]
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL") as error:
        jobs.sagemaker.create_training_job(**request)
    assert error.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 0}},
            "InstanceCount must be at least 1",
        ),
        (
            {"EnableManagedSpotTraining": True},
            "It must be present and be greater than or equal to MaxRuntimeInSeconds",
        ),
        (
            {
                "EnableManagedSpotTraining": True,
                "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59},
            },
            "It must be present and be greater than or equal to MaxRuntimeInSeconds",
        ),
        (
            {"CheckpointConfig": {"S3Uri": "s3://b/k", "LocalPath": "/tmp/checkpoints"}},
            "LocalPath is /tmp/checkpoints; localaws keeps /opt/ml only",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
            "only supported when EnableManagedSpotTraining is set to true",
        ),
        (
            {
                "InputDataConfig": [
                    csv_channel("train", "s3://b/k", S3DataType="AugmentedManifestFile")
                ]
            },
            "localaws has no S3DataType AugmentedManifestFile, only S3Prefix, ManifestFile",
        ),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": LINEAR_LEARNER,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
                }
            },
            "You can't override the metric definitions for Amazon SageMaker algorithms",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(
    jobs: Jobs, members: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason) as error:
        jobs.sagemaker.create_training_job(**houses_request(jobs, "refused", **members))
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_a_spot_job_runs_and_is_described_as_one(jobs: Jobs) -> None:
    condition = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}
    request = houses_request(
        jobs, "spot", EnableManagedSpotTraining=True, StoppingCondition=condition
    )
    job = jobs.train(request)
    assert (job["TrainingJobStatus"], job["EnableManagedSpotTraining"]) == ("Completed", True)
    assert (job["StoppingCondition"], job["EnableNetworkIsolation"]) == (condition, False)


def test_a_name_can_be_used_once(jobs: Jobs, trained: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="must be unique") as error:
        jobs.sagemaker.create_training_job(**houses_request(jobs, "houses"))
    assert error.value.response["Error"]["Code"] == "ResourceInUse"


def test_a_manifest_names_the_objects_of_a_channel(jobs: Jobs) -> None:
    manifest = [{"prefix": jobs.uri("houses/")}, "train/train.csv", "validation/validation.csv"]
    uri = jobs.put("manifests/houses.manifest", json.dumps(manifest))
    request = houses_request(jobs, "manifest")
    request["InputDataConfig"] = [csv_channel("train", uri, S3DataType="ManifestFile")]
    assert jobs.train(request)["TrainingJobStatus"] == "Completed"


def test_several_instances_of_linear_learner_train_one_model_on_all_shards(jobs: Jobs) -> None:
    request = houses_request(jobs, "sharded")
    train = csv_channel("train", jobs.uri("houses/"), S3DataDistributionType="ShardedByS3Key")
    request["InputDataConfig"] = [train]
    request["ResourceConfig"]["InstanceCount"] = 2
    job = jobs.train(request)
    assert job["TrainingJobStatus"] == "Completed"
    assert list(unpacked(jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"]))) == ["model_algo-1"]


def test_jobs_are_listed_by_status(jobs: Jobs, trained: dict[str, Any]) -> None:
    listed = jobs.sagemaker.list_training_jobs(NameContains="houses", StatusEquals="Completed")
    assert "houses" in [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]]


def test_a_job_that_does_not_exist_cannot_be_described(jobs: Jobs) -> None:
    with pytest.raises(ClientError, match="Requested resource not found"):
        jobs.sagemaker.describe_training_job(TrainingJobName="no-such-job")


def test_a_finished_job_can_be_deleted_and_its_name_used_again(jobs: Jobs) -> None:
    request = houses_request(jobs, "deleted", Tags=[{"Key": "city", "Value": "Chicago"}])
    job = jobs.train(request)
    jobs.sagemaker.delete_training_job(TrainingJobName="deleted")
    with pytest.raises(ClientError, match="Requested resource not found"):
        jobs.sagemaker.describe_training_job(TrainingJobName="deleted")
    with pytest.raises(ClientError, match="Could not find training-job"):
        jobs.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])
    assert jobs.train(request)["TrainingJobStatus"] == "Completed"
