"""CreateTrainingJob and its siblings."""

import shutil
from collections.abc import Callable
from pathlib import Path

from localaws.backend import Backend, Scope
from localaws.containers.contract import JobError, TrainingImage
from localaws.containers.registry import ContainerRegistry
from localaws.errors import AwsError
from localaws.jobs.executor import JobExecutor
from localaws.jobs.processes import StopSignal
from localaws.jobs.training import (
    TrainingJob,
    TrainingOutcome,
    TrainingRun,
    max_runtime_seconds,
    metric_definitions,
)
from localaws.sagemaker import training_requests
from localaws.sagemaker.job_family import UNFINISHED, JobFamily, Record, failure_of
from localaws.sagemaker.resources import (
    Request,
    Response,
    arn,
    now,
    present,
    validation_exception,
)
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags

KIND = "training-job"
FINISHED = ("Completed", "Failed", "Stopped")

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

_SWITCHES = (
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
)
"""Members that DescribeTrainingJob always answers, off unless the request says otherwise."""

_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
)


class TrainingJobs(JobFamily):
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
        super().__init__(KIND, "TrainingJob", store, executor, work_directory)
        self._tags = tags
        self._backend = backend
        self._registry = registry

    def create_training_job(self, scope: Scope, request: Request) -> Response:
        return {"TrainingJobArn": self.launch(scope, request)}

    def launch(
        self,
        scope: Scope,
        request: Request,
        tuning_job_arn: str | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> str:
        """Create a job, of a tuning job maybe; ``ended`` is called once what it left is known.

        Raises
        ------
        AwsError
            For a request that SageMaker would refuse.
        """
        name = request["TrainingJobName"]
        job_arn = arn(scope, KIND, name)
        image = training_requests.check(scope, request, self._registry, self._backend)
        record = present({**_new_record(job_arn, request, image), "TuningJobArn": tuning_job_arn})
        if not self._records.add(scope, name, record):
            raise AwsError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a "
                f"training job with this name already exists ({job_arn})",
            )
        self._tags.create(scope, job_arn, request)
        directory = self._directory(scope, name)
        job = TrainingJob(scope, name, job_arn, request, image, directory)

        def work(stop: StopSignal) -> None:
            self._run(job, stop)
            ended()

        self._executor.start(job_arn, work)
        return job_arn

    def find(self, scope: Scope, name: str) -> Record | None:
        """What is known of a job, or None."""
        return self._records.find(scope, name)

    def describe_training_job(self, scope: Scope, request: Request) -> Response:
        record = self._records.find(scope, request["TrainingJobName"])
        if record is None:
            raise validation_exception("Requested resource not found.")
        return record

    def list_training_jobs(self, scope: Scope, request: Request) -> Response:
        return self._page(scope, request, _SUMMARY)

    def stop_training_job(self, scope: Scope, request: Request) -> Response:
        job_arn = self.describe_training_job(scope, request)["TrainingJobArn"]
        self._records.change(scope, request["TrainingJobName"], _ask_to_stop)
        self._executor.stop(job_arn)
        return {}

    def delete_training_job(self, scope: Scope, request: Request) -> Response:
        job_arn = self.describe_training_job(scope, request)["TrainingJobArn"]
        self._records.remove(scope, request["TrainingJobName"], _refuse_unfinished)
        self._tags.forget(scope, job_arn)
        return {}

    def _run(self, job: TrainingJob, stop: StopSignal) -> None:
        def report(status: str) -> None:
            self._records.change(job.scope, job.name, lambda record: _move(record, status))

        try:
            run = TrainingRun(job, self._backend, self._executor, report, stop)
            outcome = run.run()
        except Exception as error:
            self._fail(job.scope, job.name, failure_of(error))
        else:
            self._records.change(job.scope, job.name, lambda record: _complete(record, outcome))
        finally:  # Nobody has to wait for that: a fleet's job leaves tens of thousands of files.
            shutil.rmtree(job.directory, ignore_errors=True)

    def _fail(self, scope: Scope, name: str, failure: JobError) -> None:
        def fail(record: Record) -> None:
            record["FailureReason"] = str(failure)
            _move(record, "Failed")

        self._records.change(scope, name, fail)


def _new_record(job_arn: str, request: Request, image: TrainingImage) -> Record:
    definitions = metric_definitions(request, image)
    record = {
        **{member: value for member, value in request.items() if member != "Tags"},
        "TrainingJobArn": job_arn,
        "AlgorithmSpecification": {
            **request["AlgorithmSpecification"],
            "MetricDefinitions": [
                {"Name": name, "Regex": pattern} for name, pattern in definitions.items()
            ],
        },
        # The SageMaker SDK 2 reads it whether there is one or not.
        "OutputDataConfig": {"KmsKeyId": "", **request["OutputDataConfig"]},
        "StoppingCondition": {
            **request.get("StoppingCondition", {}),
            "MaxRuntimeInSeconds": int(max_runtime_seconds(request)),
        },
        "CreationTime": now(),
        "SecondaryStatusTransitions": [],
        **{member: request.get(member, False) for member in _SWITCHES},
    }
    _move(record, "Starting")
    return record


def _ask_to_stop(record: Record) -> None:
    if record["TrainingJobStatus"] not in UNFINISHED:
        raise validation_exception(
            "The request was rejected because the training job is in status "
            f"{record['TrainingJobStatus']}."
        )
    _move(record, "Stopping")


def _refuse_unfinished(record: Record) -> None:
    if record["TrainingJobStatus"] in UNFINISHED:
        raise validation_exception(
            "The request was rejected because the training job is in status "
            f"{record['TrainingJobStatus']}; only a job that has ended can be deleted."
        )


def _complete(record: Record, outcome: TrainingOutcome) -> None:
    if outcome.model_artifacts:
        record["ModelArtifacts"] = {"S3ModelArtifacts": outcome.model_artifacts}
    record["FinalMetricDataList"] = [
        {"MetricName": metric.name, "Value": metric.value, "Timestamp": metric.timestamp}
        for metric in outcome.metrics
    ]
    _move(record, outcome.secondary_status)


def _move(record: Record, status: str) -> None:
    """Enter a secondary status and leave the one before it; Stopping is left for an end alone."""
    ended = STATUS_OF.get(status) in FINISHED
    transitions = record["SecondaryStatusTransitions"]
    if transitions and transitions[-1]["Status"] == "Stopping" and not ended:
        return
    moment = now()
    if transitions:
        transitions[-1]["EndTime"] = moment
    message = record["FailureReason"] if status == "Failed" else MESSAGES[status]
    transitions.append({"Status": status, "StartTime": moment, "StatusMessage": message})
    record["SecondaryStatus"] = status
    record["TrainingJobStatus"] = STATUS_OF.get(status, "InProgress")
    record["LastModifiedTime"] = moment
    if status == "Downloading":
        record["TrainingStartTime"] = moment
    if ended:
        transitions[-1]["EndTime"] = moment
        record["TrainingEndTime"] = moment
    if ended and "TrainingStartTime" in record:
        seconds = round(moment - record["TrainingStartTime"])
        record["TrainingTimeInSeconds"] = record["BillableTimeInSeconds"] = max(1, seconds)
