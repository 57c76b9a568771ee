"""Training on one data set: from its rows to a model on raw features, with its threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from training.linear_learner.candidates import candidates_for, models_of
from training.linear_learner.channels import TrainingError
from training.linear_learner.fitting import Fitted, Fitting, Problem, Rows
from training.linear_learner.hyperparameters import Hyperparameters, Loss, SelectionCriterion
from training.linear_learner.losses import class_weights, labels_for, loss_function
from training.linear_learner.metrics import JobLog, quality_metrics
from training.linear_learner.model import (
    DEFAULT_METRICS_PARAMS,
    Dataset,
    Float32Array,
    LinearModel,
    PredictorType,
)
from training.linear_learner.predictor import predict
from training.linear_learner.scaler import Scaler
from training.linear_learner.thresholds import best_threshold


@dataclass(frozen=True, eq=False)
class Outcome:
    """A model, and the value of the selection criterion on it; greater is better."""

    model: LinearModel
    fitted: Fitted
    value: float


class Task:
    """Training on one data set with one weight of its positive examples."""

    def __init__(
        self,
        parameters: Hyperparameters,
        channels: Mapping[str, Dataset],
        log: JobLog,
        positive_weight: float,
    ) -> None:
        self.parameters = parameters
        self.channels = channels
        self.log = log
        self._positive_weight = positive_weight
        self._scaler = Scaler.fit(channels["train"], parameters)
        self._balance = class_weights(parameters, channels["train"])
        self.loss = loss_function(
            parameters, self._scaler.stdev_label, positive_weight, self._balance
        )

    def problem(self) -> Problem:
        """The normalised rows."""
        validation = self.channels.get("validation")
        return Problem(
            train=self._rows(self.channels["train"]),
            validation=None if validation is None else self._rows(validation),
            unit=self.loss.unit,
            log=self.log,
        )

    def outcome(self, fitted: Fitted | None) -> Outcome:
        """The model on raw features.

        Raises
        ------
        TrainingError
            It has diverged.
        """
        if fitted is None:
            raise TrainingError(
                "Training diverged: no model has a finite loss. Lower learning_rate."
            )
        weights, bias = self._scaler.denormalise(fitted.weights)
        try:
            model = LinearModel(
                predictor_type=self.parameters.predictor_type,
                loss=str(self.parameters.loss_function),
                weights=weights,
                bias=bias,
                metrics_params=_metrics_params(
                    self.parameters, self._positive_weight, self._balance
                ),
                graph_number=models_of(self.parameters),
            )
            return _calibrate(model, fitted, _selection(self.channels), self.parameters)
        except ValueError as error:
            raise TrainingError(f"Training diverged: {error}.") from error

    def _rows(self, data: Dataset) -> Rows:
        labels = self._scaler.normalise_labels(data.labels)
        return Rows(
            self._scaler.normalise_features(data.features),
            labels_for(self.parameters.predictor_type, labels),
        )


def fit(tasks: Sequence[Task]) -> list[Fitted | None]:
    """Fit tasks of as many mini-batches together; None for those that have diverged."""
    parameters = tasks[0].parameters
    problems = [task.problem() for task in tasks]
    return Fitting(parameters, candidates_for(parameters), tasks[0].loss, problems).run()


def _selection(channels: Mapping[str, Dataset]) -> Dataset:
    """What models are selected on."""
    return channels.get("validation", channels["train"])


def _calibrate(
    model: LinearModel, fitted: Fitted, data: Dataset, parameters: Hyperparameters
) -> Outcome:
    """Sets the threshold of a binary classifier to where the selection criterion is best."""
    if model.predictor_type is not PredictorType.BINARY_CLASSIFIER:
        return Outcome(model, fitted, 0.0)
    criterion = parameters.binary_classifier_model_selection_criteria
    if criterion is SelectionCriterion.LOSS_FUNCTION:
        objective = next(iter(quality_metrics(model, data, parameters).values()))
        return Outcome(model, fitted, -objective)
    sample = slice(parameters.num_calibration_samples)
    scores = predict(model, data.features[sample]).scores
    best = best_threshold(scores, data.labels[sample], parameters)
    metrics_params = {**model.metrics_params, "threshold": best.threshold}
    calibrated = replace(model, threshold=best.threshold, metrics_params=metrics_params)
    return Outcome(calibrated, fitted, best.value)


def _metrics_params(
    parameters: Hyperparameters, positive_weight: float, balance: Float32Array | None
) -> dict[str, object]:
    """``metrics_params`` of the artifact; what the loss does not use stays null."""
    used: dict[str, object] = {"accuracy_top_k": parameters.accuracy_top_k}
    match parameters.loss_function:
        case Loss.QUANTILE:
            used["quantile"] = parameters.quantile
        case Loss.HUBER:
            used["huber_delta"] = parameters.huber_delta
        case Loss.HINGE:
            used["margin"] = parameters.margin
        case Loss.EPS_INSENSITIVE_SQUARED | Loss.EPS_INSENSITIVE_ABSOLUTE as loss:
            used["loss_insensitivity"] = parameters.loss_insensitivity
            used["eps_insensitive_loss_type"] = str(loss)
    if parameters.predictor_type is not PredictorType.REGRESSOR:
        used["f_beta"] = parameters.f_beta
        used["positive_example_weight_mult"] = positive_weight
    if balance is not None:
        used["class_weights"] = balance.tolist()
    return {**DEFAULT_METRICS_PARAMS, **used}
