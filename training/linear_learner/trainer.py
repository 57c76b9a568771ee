"""Trains a model as the service's training job does.

AWS describes the steps on its page "How linear learner works"; the mechanics within them are those
that the logs of public training jobs show. docs/linear-learner.md tells them apart.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.linear_learner.candidates import Candidate, describe
from training.linear_learner.channels import TrainingError, check_channels
from training.linear_learner.exact import optimum
from training.linear_learner.fitting import Fitted
from training.linear_learner.hyperparameters import Hyperparameters, Loss
from training.linear_learner.losses import positive_weights
from training.linear_learner.metrics import JobLog, Log, quality_metrics
from training.linear_learner.model import Dataset, LinearModel, PredictorType
from training.linear_learner.task import Outcome, Task, fit

__all__ = [
    "Dataset",
    "Hyperparameters",
    "TrainingError",
    "TrainingResult",
    "train",
    "train_exactly",
    "train_many",
]

_NO_CANDIDATE = Candidate(0.0, 0.0, 0.0, 1, 0.0, 1.0)
STACK = 16
"""Data sets that are trained together; more of them fall out of the processor's cache."""


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training job has to show.

    Attributes
    ----------
    model
        The best model.
    metrics
        Final metrics, by their names in FinalMetricDataList.
    best_hyperparameters
        What the best of the parallel models was trained with.
    epoch
        The epoch, counted from 0, that the model is from.
    """

    model: LinearModel
    metrics: Mapping[str, float]
    best_hyperparameters: Mapping[str, object]
    epoch: int


def train(
    hyperparameters: Hyperparameters,
    train: Dataset,
    validation: Dataset | None = None,
    test: Dataset | None = None,
    *,
    log: Log = lambda line: None,
) -> TrainingResult:
    """Trains on ``train`` and selects on ``validation``; without it, on ``train``.

    The final metrics are those on the data that the model was selected on, and on ``test``. The
    same arguments give the same result, bit for bit. ``log`` takes the lines of the job's log.

    Raises
    ------
    TrainingError
        The data does not fit the hyperparameters, or training diverged.
    """
    given = {"train": train, "validation": validation, "test": test}
    channels = {name: data for name, data in given.items() if data is not None}
    check_channels(channels, hyperparameters)
    job_log = JobLog(log)
    # A candidate may diverge; then it is not selected.
    with np.errstate(over="ignore", invalid="ignore"):
        tasks = [
            Task(hyperparameters, channels, job_log, weight)
            for weight in positive_weights(hyperparameters, train)
        ]
        outcomes = [task.outcome(fit([task])[0]) for task in tasks]
        best = max(outcomes, key=lambda outcome: outcome.value)
        return _report(best, hyperparameters, channels, job_log)


def train_many(
    hyperparameters: Hyperparameters, datasets: Sequence[tuple[Dataset, Dataset]]
) -> list[TrainingResult | TrainingError]:
    """Trains a model on each pair of a train and a validation data set.

    Each result, or error, is what ``train`` gives for the pair alone, bit for bit; those of small
    data sets with as many mini-batches as others take half the time.
    """
    if not _can_be_stacked(hyperparameters):
        return [_train_or_error(hyperparameters, *pair) for pair in datasets]
    results: dict[int, TrainingResult | TrainingError] = {}
    stacks: dict[tuple[int, int], list[tuple[int, Task]]] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for number, (train, validation) in enumerate(datasets):
            channels = {"train": train, "validation": validation}
            try:
                check_channels(channels, hyperparameters)
            except TrainingError as error:
                results[number] = error
                continue
            batches = len(train) // hyperparameters.mini_batch_size
            stack = stacks.setdefault((batches, train.feature_dim), [])
            stack.append((number, Task(hyperparameters, channels, JobLog(), 1.0)))
        for stack in stacks.values():
            for start in range(0, len(stack), STACK):
                results |= _results(stack[start : start + STACK])
    return [results[number] for number in range(len(datasets))]


def train_exactly(
    hyperparameters: Hyperparameters, train: Dataset, validation: Dataset
) -> TrainingResult:
    """The model at the optimum of its loss on ``train``; see ``exact``.

    Of the hyperparameters those of the loss and of normalisation count, and ``use_bias``.

    Raises
    ------
    TrainingError
        The data does not fit the hyperparameters, or the loss has no solver.
    """
    channels = {"train": train, "validation": validation}
    parameters = replace(hyperparameters, mini_batch_size=max(1, len(train)))
    check_channels(channels, parameters)
    task = Task(parameters, channels, JobLog(), 1.0)
    rows = task.problem().train
    fitted = Fitted(optimum(parameters, rows.features, rows.labels), _NO_CANDIDATE, 0)
    result = _report(task.outcome(fitted), parameters, channels, task.log)
    return replace(result, best_hyperparameters={})


def _train_or_error(
    parameters: Hyperparameters, rows: Dataset, validation: Dataset
) -> TrainingResult | TrainingError:
    try:
        return train(parameters, rows, validation)
    except TrainingError as error:
        return error


def _can_be_stacked(parameters: Hyperparameters) -> bool:
    """Whether one loss function is right for all data sets, whatever their labels' scale."""
    if parameters.predictor_type is PredictorType.BINARY_CLASSIFIER:
        return parameters.positive_example_weight_mult == 1
    return parameters.loss_function in (Loss.SQUARED, Loss.ABSOLUTE, Loss.QUANTILE)


def _results(stack: Sequence[tuple[int, "Task"]]) -> dict[int, TrainingResult | TrainingError]:
    results: dict[int, TrainingResult | TrainingError] = {}
    fits = fit([task for _, task in stack])
    for (number, task), fitted in zip(stack, fits, strict=True):
        try:
            outcome = task.outcome(fitted)
            results[number] = _report(outcome, task.parameters, task.channels, task.log)
        except TrainingError as error:
            results[number] = error
    return results


def _report(
    outcome: Outcome,
    parameters: Hyperparameters,
    channels: Mapping[str, Dataset],
    log: JobLog,
) -> TrainingResult:
    model = outcome.model
    selection = "validation" if "validation" in channels else "train"
    best = describe(outcome.fitted.candidate, parameters.optimizer)
    log.quality(selection, quality_metrics(model, channels[selection], parameters))
    log.line(f"Best model found for hyperparameters: {json.dumps(best)}")
    if "test" in channels:
        log.quality("test", quality_metrics(model, channels["test"], parameters))
    else:
        log.line("Test data is not provided.")
    return TrainingResult(model, log.metrics, best, outcome.fitted.epoch)
