"""Publishes a Linear Learner model, of a training job or of a file, as a city's next version."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3

from fleet.errors import HousingError
from scripts.command import (
    SUCCEEDED,
    make_parser,
    open_deployment,
    run_command,
)
from training.job import Status
from training.job_services import TrainingJobs
from training.linear_learner.artifact import ArtifactError, read_artifact_bytes
from training.publish import publish_model


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    return run_command(_parser(), _publish, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "publish",
        __doc__ or "",
        "python -m scripts.publish --city Chicago_IL --artifact model.tar.gz --dry-run",
    )
    parser.add_argument("--city", required=True, help="for example Chicago_IL")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--job", help="name of a completed training job")
    source.add_argument("--artifact", type=Path, help="a model.tar.gz on this machine")
    parser.add_argument("--dry-run", action="store_true", help="say which key it would get")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _publish(options: argparse.Namespace) -> int:
    session, deployment = open_deployment(options)
    bucket = deployment.require("bucket_name")
    artifact = _artifact_of_job(session, options.job) if options.job else _read(options.artifact)
    model = publish_model(
        session.client("s3"), bucket, options.city, artifact, dry_run=options.dry_run
    )
    if options.json:
        print(json.dumps({"target_model": model.target_model, "new": model.is_new}))
    elif not model.is_new:
        print(f"{model.target_model} is this model already")
    else:
        print(f"{'would publish' if options.dry_run else 'published'} s3://{bucket}/{model.key}")
    return SUCCEEDED


def _read(file: Path) -> bytes:
    return _checked(file.read_bytes(), str(file))


def _artifact_of_job(session: boto3.Session, name: str) -> bytes:
    state = TrainingJobs(session.client("sagemaker")).describe(name)
    if state is None:
        raise HousingError(f"there is no training job {name}")
    if state.status is not Status.COMPLETED:
        raise HousingError(f"training job {name} is {state.status}; only a completed one will do")
    url: str = state.description["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, _, key = url.removeprefix("s3://").partition("/")
    body = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return _checked(body, url)


def _checked(artifact: bytes, name: str) -> bytes:
    """The artifact, if it is one that the endpoint can load."""
    try:
        read_artifact_bytes(artifact)
    except ArtifactError as error:
        raise HousingError(f"{name}: {error}") from None
    return artifact


if __name__ == "__main__":
    sys.exit(main())
