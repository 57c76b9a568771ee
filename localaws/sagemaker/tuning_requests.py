"""What CreateHyperParameterTuningJob refuses, and the training jobs that it asks for.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from localaws.containers.contract import TrainingImage
from localaws.errors import AwsError
from localaws.jobs.training import metric_definitions
from localaws.jobs.tuning.ranges import CategoricalRange, Range, RangeError, read_ranges
from localaws.jobs.tuning.search import combinations
from localaws.sagemaker.resources import Request, validation_exception

MOST_TRAINING_JOBS = 750
MOST_PARALLEL_TRAINING_JOBS = 10
MOST_RANGES = 30
MOST_METRICS = 20
MOST_HYPERPARAMETERS = 100
"""https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html, and of the
last the longest HyperParameters of a training job."""
MOST_EPOCHS = 20_000
EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""From which Hyperband takes its MaxResource
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperbandStrategyConfig.html)."""
OBJECTIVE_PARAMETER = "_tuning_objective_metric"
UNSUPPORTED = {
    "WarmStartConfig": "start without the results of other tuning jobs",
    "Autotune": "give ranges and limits",
    "TrainingJobDefinitions": "give one TrainingJobDefinition",
}
_PASSED_ON = (
    "AlgorithmSpecification",
    "CheckpointConfig",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "Environment",
    "InputDataConfig",
    "OutputDataConfig",
    "RetryStrategy",
    "RoleArn",
    "StoppingCondition",
    "VpcConfig",
)


def check(request: Request) -> list[Range]:
    """The ranges that the job is to search.

    Raises
    ------
    AwsError
        For a request that SageMaker would refuse, or that asks for something that does not
        exist here.
    """
    if problems := list(_problems(request)):
        raise validation_exception("; ".join(problems))
    config = request["HyperParameterTuningJobConfig"]
    try:
        ranges = read_ranges(config.get("ParameterRanges", {}))
    except RangeError as error:
        raise validation_exception(str(error)) from error
    if problems := [*_range_problems(request, ranges), *_strategy_problems(request, ranges)]:
        raise validation_exception("; ".join(problems))
    parallel = config["ResourceLimits"]["MaxParallelTrainingJobs"]
    if parallel > MOST_PARALLEL_TRAINING_JOBS:
        raise AwsError(
            "ResourceLimitExceeded",
            "The account-level service limit 'Number of parallel training jobs per hyperparameter"
            f" tuning job' is {MOST_PARALLEL_TRAINING_JOBS}; MaxParallelTrainingJobs is {parallel}",
        )
    return ranges


def check_metric(request: Request, image: TrainingImage) -> None:
    """Refuse an objective that the training jobs will not report.

    Raises
    ------
    AwsError
        In the service's words (github.com/aws/amazon-sagemaker-examples issue 1207).
    """
    metric = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"][
        "MetricName"
    ]
    known = metric_definitions(request["TrainingJobDefinition"], image)
    if metric not in known:
        raise validation_exception(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in"
            f" the metric definitions. The objective is {metric}; defined are"
            f" {', '.join(known) or 'none'}."
        )


def training_request(request: Request, name: str, tuned: Mapping[str, str]) -> Request:
    """The CreateTrainingJob request of one training job; each has checkpoints of its own."""
    definition = request["TrainingJobDefinition"]
    objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    asked = {
        "TrainingJobName": name,
        "HyperParameters": {
            **definition.get("StaticHyperParameters", {}),
            **tuned,
            OBJECTIVE_PARAMETER: objective["MetricName"],
        },
        "ResourceConfig": resources_of(definition),
        **{member: definition[member] for member in _PASSED_ON if member in definition},
    }
    if "CheckpointConfig" in definition:
        config = definition["CheckpointConfig"]
        uri = f"{config['S3Uri'].rstrip('/')}/{name}"
        asked["CheckpointConfig"] = {**config, "S3Uri": uri}
    if "Tags" in request:
        asked["Tags"] = request["Tags"]
    return asked


def resources_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """ResourceConfig, also of a definition that says it in HyperParameterTuningResourceConfig.

    Of several InstanceConfigs the first counts: here it is always available.
    """
    if "HyperParameterTuningResourceConfig" not in definition:
        return dict(definition.get("ResourceConfig", {}))
    config = dict(definition["HyperParameterTuningResourceConfig"])
    config.pop("AllocationStrategy", None)
    instances = config.pop("InstanceConfigs", [])
    return {**config, **(instances[0] if instances else {})}


def most_training_jobs(request: Request, ranges: list[Range]) -> int:
    """How many training jobs it may launch at most."""
    limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    return int(min(limits.get("MaxNumberOfTrainingJobs", MOST_TRAINING_JOBS), combinations(ranges)))


def _problems(request: Request) -> Iterator[str]:
    for member, instead in UNSUPPORTED.items():
        if request.get(member):
            yield f"localaws does not implement {member}: {instead}"
    config = request["HyperParameterTuningJobConfig"]
    if config.get("ParameterRanges", {}).get("AutoParameters"):
        yield "localaws does not implement AutoParameters: give ranges"
    criteria = config.get("TuningJobCompletionCriteria", {})
    if criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled":
        yield "localaws does not implement CompleteOnConvergence: leave it Disabled"
    definition = request.get("TrainingJobDefinition")
    if definition is None:
        yield "TrainingJobDefinition is required"
        definition = {}
    for member in ("TuningObjective", "HyperParameterRanges"):
        if member in definition:
            yield f"{member} is for one of several TrainingJobDefinitions, which localaws lacks"
    if {"ResourceConfig", "HyperParameterTuningResourceConfig"} <= definition.keys():
        yield "TrainingJobDefinition has two resource configurations; one is allowed"
    if "HyperParameterTuningJobObjective" not in config:
        yield "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective is required"
    metrics = definition.get("AlgorithmSpecification", {}).get("MetricDefinitions", [])
    if len(metrics) > MOST_METRICS:
        yield f"MetricDefinitions has {len(metrics)} metrics; at most {MOST_METRICS} are allowed"
    yield from _limit_problems(config)


def _limit_problems(config: Mapping[str, Any]) -> Iterator[str]:
    limits = config["ResourceLimits"]
    most, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if most is None:
        ends = "MaxRuntimeInSeconds" in limits or config.get("TuningJobCompletionCriteria")
        if config["Strategy"] != "Grid" and not ends:
            yield (
                "ResourceLimits.MaxNumberOfTrainingJobs is required where neither"
                " MaxRuntimeInSeconds nor TuningJobCompletionCriteria end the job"
            )
        return
    if most > MOST_TRAINING_JOBS:
        yield f"MaxNumberOfTrainingJobs is {most}; at most {MOST_TRAINING_JOBS} are allowed"
    if parallel > most:
        yield (
            f"MaxParallelTrainingJobs ({parallel}) must not be greater than"
            f" MaxNumberOfTrainingJobs ({most})"
        )


def _range_problems(request: Request, ranges: list[Range]) -> Iterator[str]:
    static = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    if not ranges:
        yield "ParameterRanges must have at least one range"
    if len(ranges) > MOST_RANGES:
        yield f"ParameterRanges has {len(ranges)} ranges; at most {MOST_RANGES} are allowed"
    for name, count in Counter(each.name for each in ranges).items():
        if count > 1:
            yield f"ParameterRanges has {count} ranges of the hyperparameter {name}; one is allowed"
        if name in static:
            yield (
                f"The hyperparameter {name} is in StaticHyperParameters and in ParameterRanges; it"
                " can be in one of them"
            )
    if OBJECTIVE_PARAMETER in static or any(each.name == OBJECTIVE_PARAMETER for each in ranges):
        yield f"The hyperparameter {OBJECTIVE_PARAMETER} is the service's own"
    if (count := len({*static, *(each.name for each in ranges)}) + 1) > MOST_HYPERPARAMETERS:
        yield (
            f"A training job would have {count} hyperparameters, {OBJECTIVE_PARAMETER} included; at"
            f" most {MOST_HYPERPARAMETERS} are allowed"
        )


def _strategy_problems(request: Request, ranges: list[Range]) -> Iterator[str]:
    config = request["HyperParameterTuningJobConfig"]
    strategy, most = config["Strategy"], config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    possible = combinations(ranges)
    if strategy == "Grid":
        yield from _grid_problems(ranges, most, possible)
    elif most is not None and possible < most:
        yield (  # github.com/aws/amazon-sagemaker-operator-for-k8s issue 123
            "You don't have enough combinations of hyperparameter ranges. The total number of"
            f" hyperparameter combinations for the provided ranges [{possible:.1f}] must be equal"
            f" or greater than the value of MaxNumberOfJobs, [{most}]. Provide additional ranges."
        )
    if strategy == "Hyperband":
        yield from _hyperband_problems(request)
    elif "StrategyConfig" in config:
        yield f"StrategyConfig is for the strategy Hyperband alone; the strategy is {strategy}"


def _grid_problems(ranges: list[Range], most: int | None, possible: float) -> Iterator[str]:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html."""
    for each in ranges:
        if not isinstance(each, CategoricalRange):
            yield f"The strategy Grid takes categorical ranges alone; that of {each.name} is none"
            return
    if possible > MOST_TRAINING_JOBS:
        yield f"The ranges have {possible:.0f} combinations; at most {MOST_TRAINING_JOBS} may be"
    if most is not None and most != possible:
        yield (
            f"MaxNumberOfTrainingJobs is {most}; with the strategy Grid it is the number of"
            f" combinations, {possible:.0f}, or left out"
        )


def _hyperband_problems(request: Request) -> Iterator[str]:
    config = request["HyperParameterTuningJobConfig"]
    static = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    inferred = next((static[name] for name in EPOCHS if name in static), "")
    greatest = given.get("MaxResource") or (int(inferred) if inferred.isdecimal() else None)
    least = given.get("MinResource", 1)
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        yield "TrainingJobEarlyStoppingType must be Off with the strategy Hyperband"
    if greatest is None:
        yield (
            "HyperbandStrategyConfig.MaxResource is required where StaticHyperParameters has none"
            f" of {', '.join(EPOCHS)}"
        )
    elif not least <= greatest <= MOST_EPOCHS:
        yield (
            f"MaxResource is {greatest}: it must be at least MinResource, {least}, and at most"
            f" {MOST_EPOCHS}"
        )
