"""CreateTrainingJob and its siblings."""

import shutil
import traceback
from pathlib import Path
from typing import Any

from localaws.backend import Backend, Scope
from localaws.containers.registry import ContainerRegistry
from localaws.control_plane import training_requests
from localaws.control_plane.listing import Listing
from localaws.control_plane.resources import (
    Request,
    ResourceFamily,
    Response,
    arn,
    now,
    validation_exception,
)
from localaws.control_plane.store import ResourceStore
from localaws.control_plane.tags import Tags
from localaws.errors import AwsError
from localaws.jobs.executor import JobExecutor
from localaws.jobs.failure import JobError, internal_error
from localaws.jobs.stopping import JobAbortedError, StopSignal
from localaws.jobs.training import (
    TrainingJob,
    TrainingOutcome,
    TrainingRun,
    max_runtime_seconds,
    metric_definitions,
)

KIND = "training-job"
INTERRUPTED = "localaws stopped while the job was running. Create the job again."

STATUS_OF = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopping": "Stopping",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
}
"""TrainingJobStatus of a SecondaryStatus; InProgress of every other one."""

MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Failed": "Training job failed",
}

_LISTING = Listing("TrainingJobSummaries", name="TrainingJobName", status="TrainingJobStatus")
_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
)


class TrainingJobs(ResourceFamily):
    """Training jobs; what is stored of one is what DescribeTrainingJob answers."""

    def __init__(
        self,
        store: ResourceStore,
        tags: Tags,
        backend: Backend,
        registry: ContainerRegistry,
        executor: JobExecutor,
        work_directory: Path,
    ) -> None:
        self._store = store
        self._tags = tags
        self._backend = backend
        self._registry = registry
        self._executor = executor
        self._work_directory = work_directory

    def start(self) -> None:
        """A job that an earlier run left in progress has failed."""
        shutil.rmtree(self._work_directory, ignore_errors=True)
        for scope in self._store.scopes(KIND):
            for record in self._store.list(KIND, scope):
                if record["TrainingJobStatus"] in ("InProgress", "Stopping"):
                    self._fail(scope, record["TrainingJobName"], internal_error(INTERRUPTED))

    def stop(self) -> None:
        """End what runs; those jobs fail."""
        self._executor.shut_down()

    def create_training_job(self, scope: Scope, request: Request) -> Response:
        name = request["TrainingJobName"]
        job_arn = arn(scope, KIND, name)
        if self._store.get(KIND, scope, name) is not None:
            raise AwsError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a "
                f"training job with this name already exists ({job_arn})",
            )
        image = training_requests.check(scope, request, self._registry, self._backend)
        moment = now()
        record = {
            **{member: value for member, value in request.items() if member != "Tags"},
            "TrainingJobArn": job_arn,
            "AlgorithmSpecification": {
                **request["AlgorithmSpecification"],
                "MetricDefinitions": [
                    {"Name": metric, "Regex": pattern}
                    for metric, pattern in metric_definitions(request, image).items()
                ],
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": int(max_runtime_seconds(request))},
            "CreationTime": moment,
            "SecondaryStatusTransitions": [],
        }
        _move(record, "Starting", moment)
        self._store.put(KIND, scope, name, record)
        self._tags.create(scope, job_arn, request)
        directory = self._work_directory / scope.account_id / scope.region / name
        job = TrainingJob(scope, name, job_arn, request, image, directory)
        self._executor.start(job_arn, lambda stop: self._run(job, stop))
        return {"TrainingJobArn": job_arn}

    def describe_training_job(self, scope: Scope, request: Request) -> Response:
        return self._record(scope, request["TrainingJobName"])

    def list_training_jobs(self, scope: Scope, request: Request) -> Response:
        summaries = (
            {member: record[member] for member in _SUMMARY if member in record}
            for record in self._store.list(KIND, scope)
        )
        return _LISTING.page(summaries, request)

    def stop_training_job(self, scope: Scope, request: Request) -> Response:
        record = self._record(scope, request["TrainingJobName"])
        if record["TrainingJobStatus"] not in ("InProgress", "Stopping"):
            raise validation_exception(
                "The request was rejected because the training job is in status "
                f"{record['TrainingJobStatus']}."
            )
        self._report(scope, record["TrainingJobName"], "Stopping")
        self._executor.stop(record["TrainingJobArn"])
        return {}

    def _record(self, scope: Scope, name: str) -> dict[str, Any]:
        record = self._store.get(KIND, scope, name)
        if record is None:
            raise validation_exception("Requested resource not found.")
        return record

    def _run(self, job: TrainingJob, stop: StopSignal) -> None:
        def report(status: str) -> None:
            self._report(job.scope, job.name, status)

        try:
            outcome = TrainingRun(job, self._backend, self._executor.cores, report, stop).run()
            self._complete(job, outcome)
        except JobAbortedError:
            self._fail(job.scope, job.name, internal_error(INTERRUPTED))
        except JobError as failure:
            self._fail(job.scope, job.name, failure)
        except AwsError as error:
            self._fail(job.scope, job.name, JobError(f"ClientError: {error.message}"))
        except Exception as error:
            traceback.print_exc()
            self._fail(job.scope, job.name, internal_error(f"{type(error).__name__}: {error}"))

    def _report(self, scope: Scope, name: str, status: str) -> None:
        record = self._record(scope, name)
        _move(record, status, now())
        self._store.put(KIND, scope, name, record)

    def _complete(self, job: TrainingJob, outcome: TrainingOutcome) -> None:
        record = self._record(job.scope, job.name)
        if outcome.model_artifacts:
            record["ModelArtifacts"] = {"S3ModelArtifacts": outcome.model_artifacts}
        record["FinalMetricDataList"] = [
            {"MetricName": metric.name, "Value": metric.value, "Timestamp": metric.timestamp}
            for metric in outcome.metrics
        ]
        _move(record, outcome.secondary_status, now())
        self._store.put(KIND, job.scope, job.name, record)

    def _fail(self, scope: Scope, name: str, failure: JobError) -> None:
        record = self._record(scope, name)
        record["FailureReason"] = str(failure)
        _move(record, "Failed", now())
        self._store.put(KIND, scope, name, record)


def _move(record: dict[str, Any], status: str, moment: float) -> None:
    """Enter a secondary status, and leave the one before it."""
    transitions = record["SecondaryStatusTransitions"]
    if transitions and transitions[-1]["Status"] == status:
        return
    if transitions:
        transitions[-1]["EndTime"] = moment
    message = record.get("FailureReason") if status == "Failed" else MESSAGES[status]
    transitions.append({"Status": status, "StartTime": moment, "StatusMessage": message})
    record["SecondaryStatus"] = status
    record["TrainingJobStatus"] = STATUS_OF.get(status, "InProgress")
    record["LastModifiedTime"] = moment
    if status == "Downloading":
        record["TrainingStartTime"] = moment
    if record["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"):
        transitions[-1]["EndTime"] = moment
        record["TrainingEndTime"] = moment
        seconds = round(moment - record.get("TrainingStartTime", moment))
        record["TrainingTimeInSeconds"] = record["BillableTimeInSeconds"] = max(1, seconds)
