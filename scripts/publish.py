"""Publishes a Linear Learner model, of a training job or of a file, as a city's next version."""

import hashlib
import json
from pathlib import Path

import boto3
import click

from fleet.errors import HousingError
from fleet.gate import GateRules
from fleet.names import Prefix, check_entity, target_model
from fleet.publishing import Publisher
from fleet.registry import Registry
from fleet.versions import Candidate, City
from scripts.command import SUCCEEDED, Aws, aws_options, json_option, main, make_command
from training.job import Status
from training.job_services import TrainingJobs
from training.linear_learner.artifact import ArtifactError, read_artifact_bytes
from training.publish import put_if_absent


@make_command(__doc__, "housing publish --city Chicago_IL --artifact model.tar.gz --dry-run")
@click.option("--city", required=True, help="For example Chicago_IL.")
@click.option("--job", metavar="NAME", help="A completed training job.")
@click.option(
    "--artifact",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A model.tar.gz on this machine.",
)
@click.option("--force", is_flag=True, help="Although nobody measured what it is worth.")
@click.option("--dry-run", is_flag=True, help="Say which key it would get.")
@json_option
@aws_options
def command(
    aws: Aws,
    city: str,
    job: str | None,
    artifact: Path | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    if (job is None) == (artifact is None):
        raise click.UsageError("give either --job or --artifact")
    session, deployment = aws.deployment()
    bucket = deployment.require("bucket_name")
    content = _artifact_of_job(session, job or "") if artifact is None else _read(artifact)
    registry = Registry(session.client("dynamodb"), deployment.require("registry_table_name"))
    digest = hashlib.sha256(content).hexdigest()
    known = registry.city(check_entity(city)) or City(city)
    target = known.target_model
    is_new = known.trained is None or known.trained.artifact_digest != digest
    if is_new and dry_run:
        target = target_model(city, known.last_version + 1)
    elif is_new:
        key = f"{Prefix.JOBS}uploads/{digest}/model.tar.gz"
        s3 = session.client("s3")
        put_if_absent(s3, bucket, key, content)
        candidate = Candidate(city, key, digest, len(content), job or "")
        publisher = Publisher(registry, s3, bucket, GateRules(), force=force)
        [publication] = publisher.publish([candidate])
        if publication.failure is not None:
            raise HousingError(f"{city}: {publication.failure}; --force lets it serve")
        target = publication.target_model
    if as_json:
        print(json.dumps({"target_model": target, "new": is_new}))
    elif not is_new:
        print(f"{target} is this model already")
    else:
        what = "would publish" if dry_run else "published"
        print(f"{what} s3://{bucket}/{Prefix.MODELS}{target}")
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
    """The artifact, if it is one that the endpoint can load.

    Raises
    ------
    HousingError
        It is not.
    """
    try:
        read_artifact_bytes(artifact)
    except ArtifactError as error:
        raise HousingError(f"{name}: {error}") from None
    return artifact


if __name__ == "__main__":
    main(command, "publish")
