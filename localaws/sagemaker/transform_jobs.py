"""CreateTransformJob and its siblings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localaws.backend import Backend, Scope
from localaws.containers.contract import JobError
from localaws.errors import AwsError
from localaws.jobs.channels import DATA_TYPES
from localaws.jobs.executor import JobExecutor
from localaws.jobs.processes import StopSignal
from localaws.jobs.transform.data_processing import Association, JsonPathError
from localaws.jobs.transform.run import TransformJob, TransformRun
from localaws.sagemaker.job_family import UNFINISHED, JobFamily, Record, failure_of
from localaws.sagemaker.models import Models, containers_of
from localaws.sagemaker.resources import (
    Request,
    Response,
    arn,
    now,
    validation_exception,
)
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags

KIND = "transform-job"
MAXIMUM_PAYLOAD_MB = 100

_SUMMARY = (
    "TransformJobName",
    "TransformJobArn",
    "CreationTime",
    "TransformEndTime",
    "LastModifiedTime",
    "TransformJobStatus",
    "FailureReason",
)


class TransformJobs(JobFamily):
    """Transform jobs; what is stored of one is what DescribeTransformJob answers."""

    def __init__(
        self,
        store: ResourceStore,
        tags: Tags,
        models: Models,
        backend: Backend,
        executor: JobExecutor,
        work_directory: Path,
    ) -> None:
        super().__init__(KIND, "TransformJob", store, executor, work_directory)
        self._tags = tags
        self._models = models
        self._backend = backend

    def create_transform_job(self, scope: Scope, request: Request) -> Response:
        name = request["TransformJobName"]
        job_arn = arn(scope, KIND, name)
        model = self._models.find(scope, request["ModelName"])
        if problems := list(_problems(request, model)):
            raise validation_exception("; ".join(problems))
        record = {
            **{member: value for member, value in request.items() if member != "Tags"},
            "TransformJobArn": job_arn,
            "TransformJobStatus": "InProgress",
            "CreationTime": now(),
            "LastModifiedTime": now(),
        }
        if not self._records.add(scope, name, record):
            raise AwsError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this "
                f"name already exists ({job_arn})",
            )
        self._tags.create(scope, job_arn, request)
        job = TransformJob(
            scope=scope,
            name=name,
            request=request,
            role_arn=model["ExecutionRoleArn"],
            containers=tuple(containers_of(model)),
            directory=self._directory(scope, name),
        )
        self._executor.start(job_arn, lambda stop: self._run(job, stop))
        return {"TransformJobArn": job_arn}

    def describe_transform_job(self, scope: Scope, request: Request) -> Response:
        record = self._find(scope, request["TransformJobName"])
        return {member: value for member, value in record.items() if member != "LastModifiedTime"}

    def list_transform_jobs(self, scope: Scope, request: Request) -> Response:
        return self._page(scope, request, _SUMMARY)

    def stop_transform_job(self, scope: Scope, request: Request) -> Response:
        record = self._find(scope, request["TransformJobName"])
        self._records.change(scope, request["TransformJobName"], _ask_to_stop)
        self._executor.stop(record["TransformJobArn"])
        return {}

    def _find(self, scope: Scope, name: str) -> Record:
        record = self._records.find(scope, name)
        if record is None:
            raise validation_exception(f"Could not find requested job with name: {name}")
        return record

    def _run(self, job: TransformJob, stop: StopSignal) -> None:
        self._update(job.scope, job.name, TransformStartTime=now())
        try:
            status = TransformRun(job, self._backend, self._executor, stop).run()
        except Exception as error:
            self._fail(job.scope, job.name, failure_of(error))
        else:
            self._end(job.scope, job.name, status)

    def _fail(self, scope: Scope, name: str, failure: JobError) -> None:
        self._end(scope, name, "Failed", FailureReason=str(failure))

    def _end(self, scope: Scope, name: str, status: str, **members: Any) -> None:
        self._update(scope, name, TransformJobStatus=status, TransformEndTime=now(), **members)

    def _update(self, scope: Scope, name: str, **members: Any) -> None:
        members = {**members, "LastModifiedTime": now()}
        self._records.change(scope, name, lambda record: record.update(members))


def _ask_to_stop(record: Record) -> None:
    if record["TransformJobStatus"] not in UNFINISHED:
        raise validation_exception(
            "The request was rejected because the transform job is in status "
            f"{record['TransformJobStatus']}."
        )
    record.update(TransformJobStatus="Stopping", LastModifiedTime=now())


def _problems(request: Request, model: dict[str, Any]) -> Iterator[str]:
    if "ExecutionRoleArn" not in model:
        yield f"Model {request['ModelName']} has no ExecutionRoleArn"
    if any(container.get("Mode") == "MultiModel" for container in containers_of(model)):
        yield f"Model {request['ModelName']} has a MultiModel container: it cannot transform"
    if "DataCaptureConfig" in request:
        yield "localaws does not implement DataCaptureConfig"
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] not in DATA_TYPES:
        yield f"S3DataType {source['S3DataType']} is not one of {', '.join(DATA_TYPES)}"
    payload = request.get("MaxPayloadInMB", 6)
    transforms = max(1, request.get("MaxConcurrentTransforms", 1))
    if payload * transforms > MAXIMUM_PAYLOAD_MB:
        yield (
            f"MaxPayloadInMB ({payload}) times MaxConcurrentTransforms ({transforms}) is more than "
            f"{MAXIMUM_PAYLOAD_MB}"
        )
    try:
        Association.of(request.get("DataProcessing", {}))
    except JsonPathError as error:
        yield str(error)
