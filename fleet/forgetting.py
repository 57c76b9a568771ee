"""Forgets a city: what was made of it is deleted, and what is left is told.

First a tombstone takes the city's place in the registry, so that clients, the gate and retraining
refuse it at once. Then everything below is deleted, object versions and all. A run that is
interrupted is run again.

What SageMaker does not let go: a model that an instance has loaded answers until the instance
unloads it or is replaced ("To delete a model, stop sending requests and delete it from the S3
bucket", https://docs.aws.amazon.com/sagemaker/latest/dg/how-multi-mode-endpoints-work.html), which
``fleet.unloading`` does. Logs go with the retention of their groups.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fleet.names import PROJECT, Prefix, check_entity, target_model
from fleet.objects import delete_versions, object_versions
from fleet.registry import Registry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

SHARED = re.compile(
    r"(reports/[^/]+\.jsonl|cities\.json|(cities|serving)\.manifest|report\.(json|html))$"
)
"""Files below ``jobs/`` in which each city has a line or an entry."""
ACCESS_DENIED = ("AccessDenied", "AccessDeniedException")


@dataclass(frozen=True)
class Receipt:
    """What was deleted, in numbers by kind, and what is left and why; no row and no price.

    ``key`` is where the bucket keeps it, ``unloaded`` when the instances were replaced.
    """

    city: str
    forgotten: str
    last_version: int
    objects: Mapping[str, int] = field(default_factory=dict)
    shared_files: int = 0
    jobs: int = 0
    left: tuple[str, ...] = ()
    key: str = ""
    unloaded: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is printed."""
        return asdict(self)


@dataclass(frozen=True)
class Forgetter:
    """Forgets cities of one stage."""

    stage: str
    registry: Registry
    s3: "S3Client"
    sagemaker: "SageMakerClient"
    bucket: str

    def forget(self, city: str) -> Receipt:
        """Delete everything of a city, and keep a receipt of it in the bucket.

        Raises
        ------
        RegistryError
            For one that never was.
        """
        check_entity(city)
        tombstone = self.registry.forget(city)
        found = list(object_versions(self.s3, self.bucket, wanted=names_city(city, self.stage)))
        delete_versions(self.s3, self.bucket, found)
        counts = Counter(version["Key"].partition("/")[0] for version in found)
        jobs, left = self._delete_jobs(city)
        return self._keep(
            Receipt(
                city,
                tombstone.forgotten or "",
                tombstone.last_version,
                dict(sorted(counts.items())),
                self._clean_shared(city),
                jobs,
                (*left, "log events, until the retention of their log groups"),
                key=f"{Prefix.RECEIPTS}{_now()}-{city}.json",
            )
        )

    def note_unloaded(self, receipt: Receipt) -> Receipt:
        """Add to a receipt that the instances were replaced."""
        return self._keep(replace(receipt, unloaded=_now()))

    def _keep(self, receipt: Receipt) -> Receipt:
        body = json.dumps(receipt.as_json(), indent=2).encode()
        self.s3.put_object(Bucket=self.bucket, Key=receipt.key, Body=body)
        return receipt

    def remains(self, city: str) -> list[str]:
        """What can still be found of a city; nothing after it was forgotten."""
        check_entity(city)
        item = self.registry.city(city)
        left = []
        if item is not None and not item.forgotten:
            left.append("the registry has the city, and no tombstone")
        left += [
            f"version {version.number} in the registry" for version in self.registry.versions(city)
        ]
        wanted = names_city(city, self.stage)
        keys = {version["Key"] for version in object_versions(self.s3, self.bucket, wanted=wanted)}
        left += [f"s3://{self.bucket}/{key}" for key in sorted(keys)]
        left += [f"s3://{self.bucket}/{key}" for key, _ in self._shared_with(city)]
        left += [f"training job {name}" for name in self._job_names(city)]
        return left

    def _delete_jobs(self, city: str) -> tuple[int, list[str]]:
        """Delete the city's own training jobs, as far as the service lets them go."""
        deleted, left = 0, []
        for name in self._job_names(city):
            try:
                self.sagemaker.delete_training_job(TrainingJobName=name)
                deleted += 1
            except ClientError as error:
                left.append(f"training job {name}: {error.response['Error']['Message']}")
        return deleted, left

    def _job_names(self, city: str) -> list[str]:
        stem = job_stem(self.stage, city)
        pages = self.sagemaker.get_paginator("list_training_jobs").paginate(NameContains=stem)
        names = (job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"])
        return [name for name in names if _is_own_job(name, stem)]

    def _clean_shared(self, city: str) -> int:
        """Take the city out of files that it shares; how many there were."""
        count = 0
        for key, body in self._shared_with(city):
            cleaned = without_city(body, city)
            earlier = list(object_versions(self.s3, self.bucket, key, key.__eq__))
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=cleaned)
            delete_versions(self.s3, self.bucket, earlier)
            count += 1
        return count

    def _shared_with(self, city: str) -> Iterator[tuple[str, bytes]]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=Prefix.JOBS
        )
        for page in pages:
            for item in page.get("Contents", ()):
                if not SHARED.search(item["Key"]):
                    continue
                answer = self.s3.get_object(Bucket=self.bucket, Key=item["Key"])
                body = answer["Body"].read()
                if mentions(body, city):
                    yield item["Key"], body


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def still_answers(
    runtime: "SageMakerRuntimeClient", endpoint_name: str, city: str, last_version: int, row: str
) -> list[str]:
    """The target models of a forgotten city that an instance still has loaded.

    Raises
    ------
    ClientError
        An answer says neither that the model is there nor that it is not.
    """
    answering = []
    for number in range(1, last_version + 1):
        target = target_model(city, number)
        try:
            runtime.invoke_endpoint(
                EndpointName=endpoint_name,
                TargetModel=target,
                ContentType="text/csv",
                Body=row.encode(),
            )
            answering.append(target)
        except ClientError as error:
            if error.response["Error"]["Code"] in ACCESS_DENIED:
                raise
    return answering


def job_stem(stage: str, city: str) -> str:
    """How the names of a city's own jobs begin."""
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{PROJECT}-{stage}-{city}")


def names_city(city: str, stage: str) -> Any:
    """Whether a key is of one city alone: by a folder, a file or a job of its name."""
    name = re.escape(city)
    stem = re.escape(job_stem(stage, city))
    pattern = re.compile(
        rf"(^|/){name}(-v\d+)?(/|\.csv(\.out)?$|\.tar\.gz$)|^{Prefix.JOBS}{stem}-[0-9a-f]{{12}}(-\d+)?/"
    )
    return lambda key: pattern.search(key) is not None


def _is_own_job(name: str, stem: str) -> bool:
    return re.fullmatch(rf"{re.escape(stem)}-[0-9a-f]{{12}}(-\d+)?", name) is not None


def mentions(body: bytes, city: str) -> bool:
    """Whether a file names a city, not one whose name is longer."""
    return re.search(rf"(?<![\w-]){re.escape(city)}(?![\w-])".encode(), body) is not None


def without_city(body: bytes, city: str) -> bytes:
    """A shared file without a city: its lines, keys or entries of a list."""
    try:
        content = json.loads(body)
    except ValueError:
        lines = body.splitlines(keepends=True)
        return b"".join(line for line in lines if not mentions(line, city))
    if isinstance(content, dict) and content.get("city") == city:
        return b""  # a report of one line, which is JSON too
    return json.dumps(_cleaned(content, city)).encode()


def _cleaned(content: Any, city: str) -> Any:
    if isinstance(content, dict):
        return {key: _cleaned(value, city) for key, value in content.items() if key != city}
    if isinstance(content, list):
        return [item for item in content if not mentions(json.dumps(item).encode(), city)]
    return content
