"""The CreateTrainingJob, CreateTransformJob and CreateModel requests of the pipeline."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from fleet.names import scikit_learn_environment

VOLUME_GIB = 10


def training_request(
    *,
    image: str,
    role_arn: str,
    hyperparameters: Mapping[str, str],
    channels: Sequence[Mapping[str, Any]],
    output_url: str,
    instance_type: str,
    max_runtime_seconds: int,
    instance_count: int = 1,
    volume_gib: int = VOLUME_GIB,
    compressed: bool = True,
    key_arn: str | None = None,
) -> dict[str, Any]:
    """A CreateTrainingJob request without the name; each job writes under its name there.

    Unless ``compressed``, each file of the model becomes an object of its own. They are encrypted
    with the key; without one SageMaker takes S3's own of the account, whatever the bucket's is.
    """
    output: dict[str, Any] = {"S3OutputPath": output_url, **_encrypted(key_arn)}
    return {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": role_arn,
        "HyperParameters": dict(hyperparameters),
        "InputDataConfig": list(channels),
        "OutputDataConfig": output if compressed else {**output, "CompressionType": "NONE"},
        "ResourceConfig": {
            "InstanceType": instance_type,
            "InstanceCount": instance_count,
            "VolumeSizeInGB": volume_gib,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime_seconds},
    }


def channel(
    name: str,
    url: str,
    content_type: str | None = None,
    *,
    data_type: str = "S3Prefix",
    sharded: bool = False,
) -> dict[str, Any]:
    """An input channel: all objects whose key starts with ``url``, or that a manifest names.

    Each instance gets all of them or, ``sharded``, its share.
    """
    source = {
        "S3DataType": data_type,
        "S3Uri": url,
        "S3DataDistributionType": "ShardedByS3Key" if sharded else "FullyReplicated",
    }
    described = {"ChannelName": name, "DataSource": {"S3DataSource": source}}
    return described if content_type is None else {**described, "ContentType": content_type}


def script_mode(program: str, source_url: str, region: str) -> dict[str, str]:
    """Hyperparameters with which the scikit-learn container runs a script; values are JSON."""
    values: dict[str, Any] = {
        "sagemaker_program": program,
        "sagemaker_submit_directory": source_url,
        "sagemaker_region": region,
        "sagemaker_container_log_level": 20,
    }
    return {name: json.dumps(value) for name, value in values.items()}


def source_archive(files: Mapping[str, bytes]) -> bytes:
    """sourcedir.tar.gz with these files by their paths; the same files give the same bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def preprocessor_model_request(
    *, image: str, model_data_url: str, program: str, role_arn: str, region: str
) -> dict[str, Any]:
    """A CreateModel request for a batch transform with the preprocessor, without the name."""
    return {
        "ExecutionRoleArn": role_arn,
        "PrimaryContainer": {
            "Image": image,
            "ModelDataUrl": model_data_url,
            "Environment": dict(scikit_learn_environment(program, region)),
        },
    }


def transform_request(
    *,
    model_name: str,
    input_url: str,
    output_url: str,
    instance_type: str,
    key_arn: str | None = None,
) -> dict[str, Any]:
    """A CreateTransformJob request without the name: CSV in and out, a line a record."""
    return {
        "ModelName": model_name,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": input_url}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": output_url,
            "Accept": "text/csv",
            "AssembleWith": "Line",
            **_encrypted(key_arn),
        },
        "BatchStrategy": "MultiRecord",
        "TransformResources": {"InstanceType": instance_type, "InstanceCount": 1},
    }


def _encrypted(key_arn: str | None) -> dict[str, str]:
    return {"KmsKeyId": key_arn} if key_arn else {}
