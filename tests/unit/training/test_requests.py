"""The requests, against the service's own model as boto3 carries it."""

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from training.fleet_trainer.recipe import LINEAR_LEARNER_DEFAULTS
from training.requests import (
    channel,
    preprocessor_model_request,
    script_mode,
    source_archive,
    training_request,
    transform_request,
)

ROLE = "arn:aws:iam::123456789012:role/training"


def assert_valid(operation: str, request: Mapping[str, Any]) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(dict(request), shape)
    assert not report.has_errors(), report.generate_report()


def test_a_training_request_is_one_that_sagemaker_knows() -> None:
    request = training_request(
        image="image",
        role_arn=ROLE,
        hyperparameters=LINEAR_LEARNER_DEFAULTS,
        channels=[channel("train", "s3://bucket/train", "text/csv;label_size=1")],
        output_url="s3://bucket/jobs",
        instance_type="ml.m5.xlarge",
        max_runtime_seconds=60,
    )
    assert_valid("CreateTrainingJob", {"TrainingJobName": "job", **request})


def test_a_transform_request_is_one_that_sagemaker_knows() -> None:
    request = transform_request(
        model_name="model",
        input_url="s3://bucket/in/",
        output_url="s3://bucket/out/",
        instance_type="ml.m5.xlarge",
    )
    assert_valid("CreateTransformJob", {"TransformJobName": "job", **request})


def test_a_model_request_is_one_that_sagemaker_knows() -> None:
    request = preprocessor_model_request(
        image="image",
        model_data_url="s3://bucket/model.tar.gz",
        program="sklearn_preprocessor.py",
        role_arn=ROLE,
        region="us-east-1",
    )
    assert_valid("CreateModel", {"ModelName": "model", **request})


def test_script_mode_quotes_its_values_as_json() -> None:
    values = script_mode("script.py", "s3://bucket/sourcedir.tar.gz", "us-east-1")
    assert values["sagemaker_program"] == '"script.py"'
    assert {name: json.loads(value) for name, value in values.items()} == {
        "sagemaker_program": "script.py",
        "sagemaker_submit_directory": "s3://bucket/sourcedir.tar.gz",
        "sagemaker_region": "us-east-1",
        "sagemaker_container_log_level": 20,
    }


def test_a_source_archive_holds_the_files_by_their_paths() -> None:
    files = {"train.py": b"import beside.module", "beside/module.py": b"1"}
    with tarfile.open(fileobj=io.BytesIO(source_archive(files))) as archive:
        members = {member.name: archive.extractfile(member) for member in archive}
        assert {name: file.read() for name, file in members.items() if file} == files


def test_the_same_files_give_the_same_archive_at_another_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = source_archive({"a.py": b"1", "b.py": b"2"})
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert source_archive({"b.py": b"2", "a.py": b"1"}) == first
