"""The request of the fleet job."""

import io
import json
import tarfile
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS, Recipe
from training.fleet_trainer.request import PROGRAM, Cluster, fleet_request, source

FACTS: dict[str, Any] = {
    "image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
    "role_arn": "arn:aws:iam::123456789012:role/training",
    "region": "us-east-1",
    "source_url": "s3://bucket/jobs/source/0/sourcedir.tar.gz",
    "preprocessor_url": "s3://bucket/preprocessor/0/model.tar.gz",
    "output_url": "s3://bucket/jobs",
    "recipe": Recipe(LINEAR_LEARNER_DEFAULTS, test_share=0.1),
    "cluster": Cluster("ml.m5.4xlarge", 4, 7200),
}


def test_is_valid_by_the_service_model() -> None:
    shape = botocore.session.get_session().get_service_model("sagemaker")
    request = fleet_request(cities_url="s3://bucket/raw/", **FACTS)
    members = shape.operation_model("CreateTrainingJob").input_shape
    assert members is not None
    report = ParamValidator().validate({"TrainingJobName": "fleet", **request}, members)
    assert not report.has_errors(), report.generate_report()
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    assert len(request["HyperParameters"]) <= 100
    assert max(map(len, request["HyperParameters"].values())) <= 2500


def test_shards_the_cities_and_gives_the_preprocessor_to_all() -> None:
    request = fleet_request(cities_url="s3://bucket/runs/1/cities.manifest", **FACTS)
    cities, preprocessor = [
        channel["DataSource"]["S3DataSource"] for channel in request["InputDataConfig"]
    ]
    assert cities["S3DataType"] == "ManifestFile"
    assert cities["S3DataDistributionType"] == "ShardedByS3Key"
    assert preprocessor["S3DataDistributionType"] == "FullyReplicated"
    assert request["ResourceConfig"]["InstanceCount"] == 4
    assert request["OutputDataConfig"]["CompressionType"] == "NONE"


def test_the_models_that_serve_are_given_to_all_hosts_where_there_are_any() -> None:
    none, some = (
        fleet_request(cities_url="s3://bucket/raw/", serving_url=url, **FACTS)["InputDataConfig"]
        for url in (None, "s3://bucket/runs/1/serving.manifest")
    )
    assert [channel["ChannelName"] for channel in none] == ["cities", "preprocessor"]
    assert some[2]["ChannelName"] == "serving"
    assert some[2]["DataSource"]["S3DataSource"] == {
        "S3DataType": "ManifestFile",
        "S3Uri": "s3://bucket/runs/1/serving.manifest",
        "S3DataDistributionType": "FullyReplicated",
    }


def test_volumes_have_room_for_the_data() -> None:
    request = fleet_request(cities_url="s3://bucket/raw/", data_bytes=500 << 30, **FACTS)
    assert request["ResourceConfig"]["VolumeSizeInGB"] >= 1000


def test_all_values_come_back_from_their_json() -> None:
    request = fleet_request(cities_url="s3://bucket/raw/", **FACTS)
    values = {name: json.loads(text) for name, text in request["HyperParameters"].items()}
    assert values["sagemaker_program"] == PROGRAM
    assert values["mini_batch_size"] == "100"
    assert values["test_share"] == 0.1


def test_the_source_holds_the_algorithm_and_no_client() -> None:
    with tarfile.open(fileobj=io.BytesIO(source())) as archive:
        names = archive.getnames()
    assert PROGRAM in names
    assert "training/linear_learner/trainer.py" in names
    assert not [name for name in names if "pipeline" in name or "localaws" in name]
