"""CreateHyperParameterTuningJob and its siblings."""

from pathlib import Path

from localaws.backend import Backend, Scope
from localaws.containers.contract import JobError, TrainingImage
from localaws.containers.registry import ContainerRegistry
from localaws.errors import AwsError
from localaws.jobs.executor import JobExecutor
from localaws.jobs.processes import StopSignal
from localaws.jobs.training import max_runtime_seconds, metric_definitions
from localaws.jobs.tuning.ranges import Range
from localaws.sagemaker import training_requests, tuning_requests
from localaws.sagemaker.job_family import UNFINISHED, JobFamily, Record, failure_of
from localaws.sagemaker.listing import Listing
from localaws.sagemaker.resources import Request, Response, arn, now, validation_exception
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags
from localaws.sagemaker.training_jobs import TrainingJobs
from localaws.sagemaker.tuning_run import TuningRun
from localaws.sagemaker.tuning_trials import (
    Objective,
    TuningTrials,
    best_of,
    counters,
    not_improving,
)

KIND = "hyper-parameter-tuning-job"
MOST_IN_PROGRESS = 100
"""https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html"""

_SUMMARY = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobArn",
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "HyperParameterTuningEndTime",
    "LastModifiedTime",
    "TrainingJobStatusCounters",
    "ObjectiveStatusCounters",
)
_CONFIG = "HyperParameterTuningJobConfig"
_OF_THE_CONFIG = ("Strategy", "ResourceLimits")
"""Members of the config that a summary has, too."""

_TRAINING_JOBS = Listing(
    "TrainingJobSummaries",
    name="TrainingJobName",
    status="TrainingJobStatus",
    sort_by="Name",
    sort_order="Ascending",
    sort_keys={"FinalObjectiveMetricValue": "Value"},
)


class TuningJobs(JobFamily):
    """Tuning jobs; what is stored of one is what DescribeHyperParameterTuningJob answers."""

    def __init__(
        self,
        store: ResourceStore,
        tags: Tags,
        backend: Backend,
        registry: ContainerRegistry,
        executor: JobExecutor,
        training_jobs: TrainingJobs,
        work_directory: Path,
    ) -> None:
        super().__init__(KIND, "HyperParameterTuningJob", store, executor, work_directory)
        self._listing = Listing(
            "HyperParameterTuningJobSummaries",
            name=self._name,
            status=self._status,
            sort_by="Name",
            sort_order="Ascending",
        )
        self._tags = tags
        self._backend = backend
        self._registry = registry
        self._training_jobs = training_jobs
        self._trials = TuningTrials(store, training_jobs)

    def create_hyper_parameter_tuning_job(self, scope: Scope, request: Request) -> Response:
        name = request["HyperParameterTuningJobName"]
        job_arn = arn(scope, KIND, name)
        ranges = tuning_requests.check(request)
        lowest = {each.name: each.value(0.0) for each in ranges}
        first = tuning_requests.training_request(request, f"{name}-001-00000000", lowest)
        image = training_requests.check(scope, first, self._registry, self._backend)
        tuning_requests.check_metric(request, image)
        self._require_room(scope)
        if not self._records.add(scope, name, _new_record(job_arn, request, image)):
            raise AwsError(
                "ResourceInUse",
                "Hyperparameter tuning job names must be unique within an AWS account and region,"
                f" and a tuning job with this name already exists ({job_arn})",
            )
        self._trials.forget(scope, name)
        self._tags.create(scope, job_arn, request)
        self._executor.start(job_arn, lambda stop: self._run(scope, request, ranges, stop))
        return {"HyperParameterTuningJobArn": job_arn}

    def describe_hyper_parameter_tuning_job(self, scope: Scope, request: Request) -> Response:
        return self._find(scope, request)

    def list_hyper_parameter_tuning_jobs(self, scope: Scope, request: Request) -> Response:
        summaries = self._records.summaries(scope, (*_SUMMARY, _CONFIG))
        for summary in summaries:
            config = summary.pop(_CONFIG)
            summary.update({member: config[member] for member in _OF_THE_CONFIG})
        return self._listing.page(summaries, request)

    def list_training_jobs_for_hyper_parameter_tuning_job(
        self, scope: Scope, request: Request
    ) -> Response:
        record = self._find(scope, request)
        objective = Objective.of(record[_CONFIG])
        summaries = self._trials.all(scope, record[self._name], objective)
        if request.get("SortBy") == "FinalObjectiveMetricValue":
            return _page_by_value(summaries, request)
        return _TRAINING_JOBS.page(summaries, request)

    def stop_hyper_parameter_tuning_job(self, scope: Scope, request: Request) -> Response:
        record = self._find(scope, request)
        self._records.change(scope, record[self._name], _ask_to_stop)
        self._executor.stop(record["HyperParameterTuningJobArn"])
        return {}

    def delete_hyper_parameter_tuning_job(self, scope: Scope, request: Request) -> Response:
        record = self._find(scope, request)
        self._records.remove(scope, record[self._name], _refuse_unfinished)
        self._trials.forget(scope, record[self._name])
        self._tags.forget(scope, record["HyperParameterTuningJobArn"])
        return {}

    def _find(self, scope: Scope, request: Request) -> Record:
        name = request["HyperParameterTuningJobName"]
        record = self._records.find(scope, name)
        if record is None:
            raise AwsError(
                "ResourceNotFound", f"Could not find hyperparameter tuning job with name: {name}"
            )
        return record

    def _require_room(self, scope: Scope) -> None:
        jobs = self._records.summaries(scope, (self._name, self._status))
        if sum(job[self._status] in UNFINISHED for job in jobs) >= MOST_IN_PROGRESS:
            raise AwsError(
                "ResourceLimitExceeded",
                "The account-level service limit 'Number of parallel (concurrent) hyperparameter"
                f" tuning jobs' is {MOST_IN_PROGRESS}, and as many are in progress",
            )

    def _run(self, scope: Scope, request: Request, ranges: list[Range], stop: StopSignal) -> None:
        name = request[self._name]

        def report() -> None:
            self._records.change(scope, name, lambda record: self._count(scope, record))

        try:
            status = TuningRun(
                scope, request, arn(scope, KIND, name), ranges, self._training_jobs, self._trials,
                report, stop,
            ).run()  # fmt: skip
        except Exception as error:
            self._fail(scope, name, failure_of(error))
        else:
            self._records.change(scope, name, lambda record: self._end(scope, record, status))

    def _fail(self, scope: Scope, name: str, failure: JobError) -> None:
        def fail(record: Record) -> None:
            record["FailureReason"] = str(failure)
            self._end(scope, record, "Failed")

        self._records.change(scope, name, fail)

    def _end(self, scope: Scope, record: Record, status: str) -> None:
        self._count(scope, record)
        record[self._status] = status
        record["HyperParameterTuningEndTime"] = record["LastModifiedTime"]

    def _count(self, scope: Scope, record: Record) -> None:
        objective = Objective.of(record[_CONFIG])
        summaries = self._trials.all(scope, record[self._name], objective)
        moment = now()
        record.update(
            counters(summaries),
            LastModifiedTime=moment,
            ConsumedResources={"RuntimeInSeconds": round(moment - record["CreationTime"])},
            TuningJobCompletionDetails={
                "NumberOfTrainingJobsObjectiveNotImproving": not_improving(summaries, objective)
            },
        )
        if (best := best_of(summaries, objective)) is not None:
            record["BestTrainingJob"] = best


def _new_record(job_arn: str, request: Request, image: TrainingImage) -> Record:
    config, definition = request[_CONFIG], request["TrainingJobDefinition"]
    metrics = metric_definitions(definition, image)
    objective = config["HyperParameterTuningJobObjective"]["MetricName"]
    moment = now()
    return {
        **{member: value for member, value in request.items() if member != "Tags"},
        "HyperParameterTuningJobArn": job_arn,
        _CONFIG: {"TrainingJobEarlyStoppingType": "Off", **config},
        "TrainingJobDefinition": {
            **dict.fromkeys(_SWITCHES, False),
            **definition,
            # Whichever of its two members was given: the SageMaker SDK 2 gives the other one.
            "ResourceConfig": tuning_requests.resources_of(definition),
            "StaticHyperParameters": {
                **definition.get("StaticHyperParameters", {}),
                tuning_requests.OBJECTIVE_PARAMETER: objective,
            },
            "AlgorithmSpecification": {
                **definition["AlgorithmSpecification"],
                "MetricDefinitions": [
                    {"Name": name, "Regex": pattern} for name, pattern in metrics.items()
                ],
            },
            "StoppingCondition": {
                **definition.get("StoppingCondition", {}),
                "MaxRuntimeInSeconds": int(max_runtime_seconds(definition)),
            },
        },
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": moment,
        "LastModifiedTime": moment,
        **counters([]),
    }


_SWITCHES = (
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
)
"""Members of a definition that are always described, off unless the request says otherwise."""


def _ask_to_stop(record: Record) -> None:
    if record["HyperParameterTuningJobStatus"] not in UNFINISHED:
        raise validation_exception(
            "The request was rejected because the hyperparameter tuning job is in status"
            f" {record['HyperParameterTuningJobStatus']}."
        )
    record.update(HyperParameterTuningJobStatus="Stopping", LastModifiedTime=now())


def _refuse_unfinished(record: Record) -> None:
    if record["HyperParameterTuningJobStatus"] in UNFINISHED:
        raise validation_exception(
            "The request was rejected because the hyperparameter tuning job is in status"
            f" {record['HyperParameterTuningJobStatus']}; only one that has ended can be deleted."
        )


def _page_by_value(summaries: list[Record], request: Request) -> Response:
    """Jobs without an objective are not listed."""
    member = "FinalHyperParameterTuningJobObjectiveMetric"
    valued = [{**each, "Value": each[member]["Value"]} for each in summaries if member in each]
    response = _TRAINING_JOBS.page(valued, request)
    for each in response[_TRAINING_JOBS.member]:
        del each["Value"]
    return response
